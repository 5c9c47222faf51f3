import type { PlatformEvent } from '../../chat/message.ts';
import type { Secret } from '../../secret.ts';
import type { BotApi } from './bot-api.ts';
import { answerCode, describe, TelegramStartError } from './errors.ts';
import type { TelegramLogger } from './logger.ts';
import { untilStarted } from './start-retry.ts';
import type { UpdateReader } from './update-reader.ts';
import { ALLOWED_UPDATES } from './wire.ts';

export interface WebhookSettings {
  /** HTTPS, as Telegram reaches it. */
  readonly url: string;
  /** 1 to 256 of `A-Z a-z 0-9 _ -`. */
  readonly secret: Secret;
  /** How many requests Telegram makes at once, 1 to 100. */
  readonly maxConnections?: number;
}

/**
 * Takes one update that was posted to the webhook.
 * @param secretHeader the value of `X-Telegram-Bot-Api-Secret-Token`
 * @returns the status to answer with; anything but 2xx makes Telegram send the update again
 */
export type WebhookHandler = (
  body: unknown,
  secretHeader: string | undefined,
) => Promise<{ status: number }>;

/** @throws TelegramStartError */
export async function registerWebhook(options: {
  readonly api: BotApi;
  readonly settings: WebhookSettings;
  readonly logger: TelegramLogger;
  readonly retryMs: number;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { url, secret, maxConnections = 40 } = options.settings;
  const set = () =>
    options.api.sending.setWebhook(url, {
      secret_token: secret.reveal(),
      max_connections: maxConnections,
      allowed_updates: ALLOWED_UPDATES,
    });
  await untilStarted(set, {
    ...options,
    isFinal: (error) =>
      answerCode(error) === 400 ? new TelegramStartError('bad-webhook') : undefined,
  });
}

interface OpenIntake {
  readonly reader: UpdateReader;
  readonly handle: (event: PlatformEvent) => Promise<void>;
}

/** Handles what comes while `open`; what comes before and after is sent again by Telegram. */
export class WebhookIntake {
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #logger: TelegramLogger;
  readonly #secret: Secret;
  #open: OpenIntake | undefined;

  constructor({ secret, logger }: { readonly secret: Secret; readonly logger: TelegramLogger }) {
    this.#secret = secret;
    this.#logger = logger;
  }

  open(reader: UpdateReader, handle: (event: PlatformEvent) => Promise<void>): void {
    this.#open = { reader, handle };
  }

  async close(): Promise<void> {
    this.#open = undefined;
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  async receive(body: unknown, secretHeader: string | undefined): Promise<{ status: number }> {
    const known = this.#secret.is(secretHeader ?? '');
    if (secretHeader === undefined || !known) return { status: 401 };
    if (this.#open === undefined) return { status: 503 };
    const work = this.#handle(body, this.#open);
    this.#inFlight.add(work);
    try {
      return { status: await work };
    } finally {
      this.#inFlight.delete(work);
    }
  }

  async #handle(body: unknown, { reader, handle }: OpenIntake): Promise<number> {
    for (const reading of reader.readAll([body])) {
      const { kind, updateId } = reading;
      if (kind === 'malformed') {
        this.#logger.warn({ updateId }, 'dropped an update of an unknown shape');
      }
      if (kind !== 'event') continue;
      try {
        await handle(reading.event);
      } catch (error) {
        // Telegram sends it again, less and less often, and gives it up after a day.
        this.#logger.warn({ updateId, ...describe(error) }, 'handling an update failed');
        return 500;
      }
    }
    return 200;
  }
}
