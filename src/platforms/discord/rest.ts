import { REST, RESTEvents } from '@discordjs/rest';
import type { Secret } from '../../secret.ts';
import { Refusals } from './refusals.ts';

export interface RestParts {
  readonly token: Secret;
  /** `https://discord.com/api`, without the version. */
  readonly apiRoot: string;
}

export interface Rest {
  /** With the bot's token. */
  readonly bot: REST;
  /** For the endpoints of interactions, whose token is in their address. */
  readonly interactions: REST;
  /** What Discord refused to either. */
  readonly refusals: Refusals;
}

/** In milliseconds. */
const TIMEOUT = 15_000;
/** Discord does not count interactions' requests as the bot's, but the client does. */
const INTERACTIONS_PER_SECOND = 1000;

/**
 * Two clients, since one that holds the token forgets it when an interaction has expired. Neither
 * repeats a request, which would double messages without a nonce, and neither waits where a limit
 * is reached: both are for those who ask, who know what is worth waiting for.
 */
export function createRest({ token, apiRoot }: RestParts): Rest {
  const options = {
    api: apiRoot.replace(/\/+$/, ''),
    version: '10',
    retries: 0,
    timeout: TIMEOUT,
    rejectOnRateLimit: () => true,
  };
  const refusals = new Refusals();
  const bot = new REST(options).setToken(token.reveal());
  const interactions = new REST({ ...options, globalRequestsPerSecond: INTERACTIONS_PER_SECOND });
  for (const rest of [bot, interactions]) {
    rest.on(RESTEvents.Response, (_request, { status }) => refusals.note(status));
  }
  return { bot, interactions, refusals };
}
