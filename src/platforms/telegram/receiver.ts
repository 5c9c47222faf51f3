import type { ChatAddress, PlatformEvent } from '../../chat/message.ts';
import type { PlatformReceiver, ReceiverState } from '../../chat/platform.ts';
import { COULD_NOT_TAKE_IN } from '../../text/telegram.ts';
import type { BotApi } from './bot-api.ts';
import { destination } from './chat-address.ts';
import type { TelegramLogger } from './logger.ts';
import { startLongPolling } from './long-polling.ts';
import { untilStarted } from './start-retry.ts';
import { UpdateReader } from './update-reader.ts';
import {
  registerWebhook,
  type WebhookHandler,
  WebhookIntake,
  type WebhookSettings,
} from './webhook.ts';

const STARTING: ReceiverState = { ok: false, detail: 'starting' };

export interface ReceiverOptions {
  readonly api: BotApi;
  readonly logger: TelegramLogger;
  /** Absent: long polling. */
  readonly webhook?: WebhookSettings;
  /** Milliseconds for which another process that polls is waited for at the start. */
  readonly conflictGraceMs?: number;
  /** Milliseconds before something that failed is tried again, at first; it doubles. */
  readonly retryMs?: number;
}

export interface TelegramReceiver extends PlatformReceiver {
  /** For the web server; there where updates come by webhook. */
  readonly webhookHandler: WebhookHandler | undefined;
  /**
   * Repeats while Telegram can't be reached, with a line in the log each time.
   * @throws TelegramStartError
   */
  start(handle: (event: PlatformEvent) => Promise<void>): Promise<void>;
}

export function createTelegramReceiver(options: ReceiverOptions): TelegramReceiver {
  const { api, logger, webhook, conflictGraceMs = 15_000, retryMs = 1000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const intake =
    webhook === undefined ? undefined : new WebhookIntake({ secret: webhook.secret, logger });
  let started: Promise<void> = Promise.resolve();
  let ended: Promise<void> = Promise.resolve();
  let state: ReceiverState = STARTING;

  async function receive(handle: (event: PlatformEvent) => Promise<void>): Promise<void> {
    const retry = { logger, retryMs, signal };
    const me = await untilStarted(() => api.me(), retry);
    if (me === undefined || signal.aborted) return;
    logger.info(
      { username: me.username, readsAllGroupMessages: me.can_read_all_group_messages },
      me.can_read_all_group_messages
        ? 'Telegram knows this bot; it gets every message of its groups'
        : 'Telegram knows this bot; in groups it gets commands, replies to it and mentions',
    );
    const reader = new UpdateReader({ id: me.id, username: me.username });
    if (webhook !== undefined && intake !== undefined) {
      intake.open(reader, handle);
      await registerWebhook({ api, settings: webhook, ...retry });
      // Whether Telegram reaches the webhook is for the operator's doctor to ask: it costs a request.
      if (!signal.aborted) state = { ok: true };
      return;
    }
    const giveUp = (event: PlatformEvent) => tellGivenUp(api, event);
    const polling = await startLongPolling({
      api,
      reader,
      handle,
      giveUp,
      conflictGraceMs,
      onState: (now) => {
        state = now;
      },
      ...retry,
    });
    ended = polling.ended.finally(() => {
      state = { ok: false, detail: 'ended' };
    });
  }

  return {
    name: 'telegram',
    webhookHandler:
      intake === undefined ? undefined : (body, secretHeader) => intake.receive(body, secretHeader),
    async start(handle) {
      const starting = receive(handle);
      started = starting.catch(() => {});
      await starting;
    },
    state: () => (signal.aborted ? { ok: false, detail: 'stopping' } : state),
    async stop() {
      stopping.abort();
      const closed = intake?.close();
      await started;
      await closed;
      await ended;
    },
  };
}

async function tellGivenUp({ sending }: BotApi, event: PlatformEvent): Promise<void> {
  const chat = chatToTell(event);
  if (chat === undefined) return;
  const { chat_id, ...topic } = destination(chat);
  await sending.sendMessage(chat_id, COULD_NOT_TAKE_IN, topic);
}

function chatToTell(event: PlatformEvent): ChatAddress | undefined {
  if (event.type === 'button') return event.press.chat;
  if (event.type !== 'message' && event.type !== 'edit') return undefined;
  return event.message.addressed === 'none' ? undefined : event.message.chat;
}
