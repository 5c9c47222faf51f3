/** Sends updates to the bot's webhook: those of one chat one after another, chats in parallel. */

import type { Update, WebhookInfo } from 'grammy/types';
import { badRequest } from './api-error.ts';
import type { UpdateQueue } from './updates.ts';

export interface WebhookSettings {
  readonly url: string;
  readonly secretToken: string;
  readonly maxConnections: number;
}

const PORTS = ['', '80', '88', '443', '8443'];

/**
 * Telegram wants HTTPS and one of four ports; on this machine the simulator does without both.
 * @throws BotApiError
 */
export function checkWebhook({ url, secretToken }: WebhookSettings): void {
  if (!URL.canParse(url)) throw badRequest('invalid webhook URL specified');
  const { protocol, hostname, port } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw badRequest('invalid webhook URL specified');
  if (!isLocal(hostname)) {
    if (protocol !== 'https:') {
      throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
    }
    if (!PORTS.includes(port)) {
      throw badRequest('bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443');
    }
  }
  if (secretToken.length > 256) throw badRequest('secret token is too long');
  if (!/^[\w-]*$/.test(secretToken)) {
    throw badRequest('secret token contains unallowed characters');
  }
}

function isLocal(hostname: string): boolean {
  return ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

export class WebhookDelivery {
  readonly settings: WebhookSettings;
  readonly #queue: UpdateQueue;
  readonly #retryMs: number;
  readonly #now: () => number;
  readonly #closing = new AbortController();
  /** Chats with an update under way, or waiting to be tried again. */
  readonly #busy = new Set<string>();
  #connections = 0;
  #lastError: { readonly at: number; readonly message: string } | undefined;

  constructor(options: {
    readonly settings: WebhookSettings;
    readonly queue: UpdateQueue;
    readonly retryMs: number;
    readonly now: () => number;
  }) {
    this.settings = options.settings;
    this.#queue = options.queue;
    this.#retryMs = options.retryMs;
    this.#now = options.now;
  }

  info(): Partial<WebhookInfo> {
    return {
      url: this.settings.url,
      max_connections: this.settings.maxConnections,
      ...(this.#lastError === undefined
        ? {}
        : {
            last_error_date: Math.floor(this.#lastError.at / 1000),
            last_error_message: this.#lastError.message,
          }),
    };
  }

  /** Starts as many deliveries as there may be. */
  pump(): void {
    for (const update of this.#queue.pending) {
      if (this.#closing.signal.aborted) return;
      if (this.#connections >= this.settings.maxConnections) return;
      const line = lineOf(update);
      if (this.#busy.has(line)) continue;
      this.#busy.add(line);
      void this.#deliver(update, line);
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #deliver(update: Update, line: string): Promise<void> {
    this.#connections += 1;
    const problem = await this.#post(update);
    this.#connections -= 1;
    if (this.#closing.signal.aborted) return;
    if (problem === undefined) {
      this.#queue.confirm(update);
      this.#busy.delete(line);
      this.pump();
      return;
    }
    this.#lastError = { at: this.#now(), message: problem };
    setTimeout(() => {
      this.#busy.delete(line);
      this.pump();
    }, this.#retryMs);
    this.pump();
  }

  /** @returns what went wrong */
  async #post(update: Update): Promise<string | undefined> {
    const { url, secretToken } = this.settings;
    // Tests never leave this machine.
    if (!isLocal(new URL(url).hostname)) return 'Failed to resolve host: Name or service not known';
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(secretToken === '' ? {} : { 'x-telegram-bot-api-secret-token': secretToken }),
        },
        body: JSON.stringify(update),
        signal: this.#closing.signal,
      });
      await response.arrayBuffer();
      if (response.ok) return undefined;
      return `Wrong response from the webhook: ${response.status} ${response.statusText}`;
    } catch {
      return 'Connection refused';
    }
  }
}

function lineOf(update: Update): string {
  const chat =
    update.message?.chat ??
    update.edited_message?.chat ??
    update.my_chat_member?.chat ??
    update.stopped_message_generation?.chat;
  if (chat !== undefined) return `chat ${chat.id}`;
  return `user ${update.callback_query?.from.id ?? update.update_id}`;
}
