/**
 * A lean Bot API: private chats, long polling or a webhook, and nothing remembered. The simulator of the tests
 * checks and records every call and holds the bot to Telegram's rates, which would take from the
 * cores, and from the figures, what is to be measured.
 */

import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { type StandInServer, sendJson, startStandIn } from './http.ts';
import { openWebhook, type WebhookClient, type WebhookTarget } from './webhook.ts';

export interface TelegramStandIn {
  readonly url: string;
  readonly token: string;
  /**
   * Somebody writes to the bot.
   * @returns the number of the update
   */
  write(userId: number, text: string): number;
  /** How many updates the bot has not confirmed. */
  readonly unconfirmed: number;
  /** From now on updates are posted there; who polls gets none. */
  postTo(webhook: WebhookTarget): Promise<void>;
  /** Calls by method. */
  readonly calls: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export interface TelegramEvents {
  /** An update leaves in an answer to getUpdates, for the first time; `performance.now()`. */
  readonly onHandOut: (updateId: number, at: number) => void;
  readonly onMessage: (chatId: number, text: string, at: number) => void;
}

interface Update {
  readonly update_id: number;
  readonly message: object;
  handedOut: boolean;
}

/** As many as Latchkey asks Telegram for. */
export const WEBHOOK_CONNECTIONS = 40;
const FIRST_UPDATE = 500_000_000;

const pollSchema = z.object({
  offset: z.number().optional(),
  limit: z.number().optional(),
  timeout: z.number().optional(),
});
const sendSchema = z.object({ chat_id: z.coerce.number(), text: z.string() });

const BOT = { id: 1_000_001, is_bot: true, first_name: 'Bench', username: 'bench_bot' } as const;

export interface Written {
  readonly userId: number;
  /** Absent: the user's direct chat. In a group, the bot is addressed by its name. */
  readonly groupId?: number;
  readonly messageId: number;
  readonly text: string;
}

/** A message as Telegram sends it. */
export function messageOf({ userId, groupId, messageId, text }: Written): object {
  const name = { first_name: `User ${userId}` };
  const base = {
    message_id: messageId,
    date: seconds(),
    from: { id: userId, is_bot: false, ...name },
  };
  if (groupId === undefined)
    return { ...base, chat: { id: userId, type: 'private', ...name }, text };
  const mention = `@${BOT.username}`;
  return {
    ...base,
    chat: { id: groupId, type: 'supergroup', title: `Group ${groupId}` },
    text: `${mention} ${text}`,
    entities: [{ type: 'mention', offset: 0, length: mention.length }],
  };
}

export async function startTelegram(events: TelegramEvents): Promise<TelegramStandIn> {
  const calls = new Map<string, number>();
  let updates: Update[] = [];
  let lastUpdateId = FIRST_UPDATE;
  let webhook: WebhookClient | undefined;
  let lastMessageId = 0;
  let poll: { readonly limit: number; readonly response: ServerResponse } | undefined;
  let pollTimer: NodeJS.Timeout | undefined;
  let waking = false;

  const server: StandInServer = await startStandIn(({ path, body, at, response }) => {
    const method = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
    calls.set(method, (calls.get(method) ?? 0) + 1);
    const answer = (result: unknown) => sendJson(response, { ok: true, result });
    switch (method) {
      case 'getme':
        return answer({
          ...BOT,
          can_join_groups: true,
          can_read_all_group_messages: false,
          supports_inline_queries: false,
          can_connect_to_business: false,
          has_main_web_app: false,
        });
      case 'getupdates': {
        const { offset = 0, limit = 100, timeout = 0 } = pollSchema.parse(body ?? {});
        updates = updates.filter((update) => update.update_id >= offset);
        if (updates.length > 0 || timeout === 0) return handOut(response, limit);
        poll = { limit, response };
        clearTimeout(pollTimer);
        pollTimer = setTimeout(endPoll, timeout * 1000);
        return;
      }
      case 'sendmessage': {
        const { chat_id, text } = sendSchema.parse(body);
        events.onMessage(chat_id, text, at);
        lastMessageId += 1;
        return answer({
          message_id: lastMessageId,
          date: seconds(),
          chat: { id: chat_id, type: 'private', first_name: 'User' },
          from: BOT,
          text,
        });
      }
      default:
        return answer(true);
    }
  });

  function handOut(response: ServerResponse, limit: number): void {
    const batch = updates.slice(0, limit);
    const at = performance.now();
    for (const update of batch) {
      if (!update.handedOut) events.onHandOut(update.update_id, at);
      update.handedOut = true;
    }
    const result = batch.map(({ update_id, message }) => ({ update_id, message }));
    sendJson(response, { ok: true, result });
  }

  function endPoll(): void {
    clearTimeout(pollTimer);
    const waiting = poll;
    poll = undefined;
    if (waiting !== undefined) handOut(waiting.response, waiting.limit);
  }

  return {
    url: server.origin,
    // Nobody's: the shape is what counts.
    token: `${BOT.id}:${'bench'.repeat(7)}`,
    write(userId, text) {
      lastUpdateId += 1;
      lastMessageId += 1;
      const update_id = lastUpdateId;
      const message = messageOf({ userId, messageId: lastMessageId, text });
      if (webhook !== undefined) {
        const { post } = webhook;
        setImmediate(() => {
          events.onHandOut(update_id, performance.now());
          void post({ update_id, message }).then(refuseUnlessTaken);
        });
        return update_id;
      }
      updates.push({ update_id, handedOut: false, message });
      // What is written in one go is handed out together.
      if (!waking) {
        waking = true;
        setImmediate(() => {
          waking = false;
          if (poll !== undefined) endPoll();
        });
      }
      return lastUpdateId;
    },
    get unconfirmed() {
      return updates.length;
    },
    calls,
    async postTo(target) {
      webhook = await openWebhook(target, WEBHOOK_CONNECTIONS);
    },
    close() {
      clearTimeout(pollTimer);
      webhook?.close();
      return server.close();
    },
  };
}

function refuseUnlessTaken(status: number): void {
  if (status !== 200) throw new Error(`the webhook answered ${status}`);
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
