/** Telegram as a platform: what comes in, what goes out, and the menu of commands. */

import type { ChatRights } from '../../chat/chat-rights.ts';
import type { PlatformSender } from '../../chat/platform.ts';
import type { Secret } from '../../secret.ts';
import { createBotApi } from './bot-api.ts';
import { registerCommands, type TypedMenu } from './command-menu.ts';
import type { TelegramLogger } from './logger.ts';
import type { Rates } from './pacing.ts';
import { createTelegramReceiver, type TelegramReceiver } from './receiver.ts';
import { createTelegramRights } from './rights.ts';
import { createTelegramSender, type SendingTimes } from './sender.ts';

export type TelegramOptions = {
  readonly token: Secret;
  readonly apiRoot: string;
  readonly log: TelegramLogger;
  readonly sending?: Partial<SendingTimes>;
  readonly rates?: Partial<Rates>;
  readonly receiving?: {
    /** Milliseconds before what failed is tried again, at first; it doubles. */
    readonly retryMs?: number;
    /** Milliseconds for which another process that polls is waited for at the start. */
    readonly conflictGraceMs?: number;
  };
} & (
  | { readonly mode: 'polling' }
  | { readonly mode: 'webhook'; readonly url: string; readonly secret: Secret }
);

export interface Telegram {
  readonly receiver: TelegramReceiver;
  /** Sends without the receiver being started, as in a process that only answers. */
  readonly sender: PlatformSender;
  readonly rights: ChatRights;
  /** What the web server mounts; undefined with long polling. */
  readonly webhook:
    | {
        readonly path: string;
        readonly secret: Secret;
        handle(body: unknown, secretHeader: string): Promise<{ readonly status: number }>;
      }
    | undefined;
  /** Where people find the bot. */
  address(): Promise<string>;
  /** @throws TelegramStartError when the token is wrong */
  registerCommands(menu: TypedMenu): Promise<void>;
}

/** Makes no request: those begin with `receiver.start` and with the first thing that is sent. */
export function createTelegram(options: TelegramOptions): Telegram {
  const { token, apiRoot, log: logger, receiving = {} } = options;
  const api = createBotApi({ token, apiRoot });
  const { retryMs = 1000 } = receiving;
  const receiver = createTelegramReceiver({
    api,
    logger,
    ...receiving,
    ...(options.mode === 'webhook'
      ? { webhook: { url: options.url, secret: options.secret } }
      : {}),
  });
  const { webhookHandler } = receiver;
  return {
    receiver,
    sender: createTelegramSender({
      api,
      token,
      apiRoot,
      logger,
      ...(options.sending === undefined ? {} : { times: options.sending }),
      ...(options.rates === undefined ? {} : { rates: options.rates }),
    }),
    rights: createTelegramRights(api),
    webhook:
      options.mode === 'webhook' && webhookHandler !== undefined
        ? {
            path: new URL(options.url).pathname,
            secret: options.secret,
            handle: (body, secretHeader) => webhookHandler(body, secretHeader),
          }
        : undefined,
    address: async () => `https://t.me/${(await api.me()).username}`,
    registerCommands: (menu) => registerCommands({ api, logger, retryMs }, menu),
  };
}
