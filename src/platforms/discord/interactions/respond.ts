import type { REST } from '@discordjs/rest';
import {
  type APIInteraction,
  type APIInteractionResponse,
  MessageFlags,
  RESTJSONErrorCodes,
  type RESTPatchAPIWebhookWithTokenMessageJSONBody,
  type RESTPostAPIWebhookWithTokenJSONBody,
  Routes,
} from 'discord-api-types/v10';
import { describe, toPlatformError } from '../errors.ts';
import type { DiscordLogger } from '../logger.ts';
import { Retries, retrying } from '../retries.ts';

/** Milliseconds in which Discord takes a first response; one that comes later is refused. */
const FIRST_RESPONSE_MS = 3000;
/** Milliseconds for one attempt: what hangs is given up while there is time for another. */
const ATTEMPT_MS = 1200;
/** Milliseconds for which something is said again and again. */
const SAYING_MS = 10_000;

export interface Respond {
  /** The first response. Never throws. @returns whether Discord has it */
  first(interaction: APIInteraction, response: APIInteractionResponse): Promise<boolean>;
  /** Replaces the response. Never throws. */
  edit(
    interaction: APIInteraction,
    body: RESTPatchAPIWebhookWithTokenMessageJSONBody,
  ): Promise<void>;
  /** Says something more to the person alone. Never throws. */
  privately(interaction: APIInteraction, content: string): Promise<void>;
}

export function createRespond({
  rest,
  logger,
  retryMs,
}: {
  /** Of interactions: it sends no token of the bot. */
  readonly rest: REST;
  readonly logger: DiscordLogger;
  /** Milliseconds before the next attempt at what is said later, at first; it doubles. */
  readonly retryMs: number;
}): Respond {
  async function tell(what: string, send: () => Promise<unknown>): Promise<void> {
    try {
      await retrying(new Retries({ retryMs, budgetMs: SAYING_MS }), send, { repeatable: true });
    } catch (error) {
      logger.warn(describe(error), what);
    }
  }

  return {
    async first({ id, token }, body) {
      const route = Routes.interactionCallback(id, token);
      const over = AbortSignal.timeout(FIRST_RESPONSE_MS);
      for (let attempt = 0; ; attempt += 1) {
        const signal = AbortSignal.any([over, AbortSignal.timeout(ATTEMPT_MS)]);
        try {
          await rest.post(route, { auth: false, body, signal });
          return true;
        } catch (error) {
          // The attempt before it arrived, and its answer did not.
          if (attempt > 0 && isAnswered(error)) return true;
          if (attempt < 2 && !over.aborted && toPlatformError(error).retryable) continue;
          logger.warn(describe(error), 'a first response did not reach Discord in time');
          return false;
        }
      }
    },
    async edit({ application_id, token }, body) {
      await tell('a response could not be edited', () =>
        rest.patch(Routes.webhookMessage(application_id, token, '@original'), {
          auth: false,
          body: {
            ...body,
            allowed_mentions: { parse: [] },
            flags: MessageFlags.SuppressEmbeds,
          } satisfies RESTPatchAPIWebhookWithTokenMessageJSONBody,
        }),
      );
    },
    async privately({ application_id, token }, content) {
      await tell('something could not be said to one person', () =>
        rest.post(Routes.webhook(application_id, token), {
          auth: false,
          body: {
            content,
            allowed_mentions: { parse: [] },
            flags: MessageFlags.Ephemeral | MessageFlags.SuppressEmbeds,
          } satisfies RESTPostAPIWebhookWithTokenJSONBody,
        }),
      );
    },
  };
}

function isAnswered(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === RESTJSONErrorCodes.InteractionHasAlreadyBeenAcknowledged
  );
}
