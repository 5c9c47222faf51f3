/** What Discord's refusals and failures mean. The only place that knows the REST client's error classes. */

import { DiscordAPIError, HTTPError, RateLimitError } from '@discordjs/rest';
import { RESTJSONErrorCodes as Codes } from 'discord-api-types/v10';
import { type MissingRight, PlatformError, type PlatformErrorCode } from '../../chat/platform.ts';
import { BEFORE_SENDING } from '../../chat/sending/before-sending.ts';

/** Discord's codes of refusals after which it depends on the code, not on the status, what to do. */
const MEANINGS: ReadonlyMap<number | string, PlatformErrorCode> = new Map([
  [Codes.CannotSendMessagesToThisUser, 'blocked'],
  [Codes.CannotSendMessagesToThisUserDueToHavingNoMutualGuilds, 'blocked'],
  [Codes.MissingAccess, 'blocked'],
  [Codes.UnknownChannel, 'gone'],
  [Codes.UnknownGuild, 'gone'],
  [Codes.UnknownMessage, 'gone'],
  [Codes.UnknownUser, 'gone'],
  [Codes.InvalidRecipients, 'gone'],
  [Codes.UnknownInteraction, 'expired'],
  [Codes.InvalidWebhookToken, 'expired'],
  [Codes.UnknownWebhook, 'expired'],
  [Codes.ThisInteractionHasHitTheMaximumNumberOfFollowUpMessages, 'expired'],
  [Codes.ActionCannotBePerformedDueToSlowmodeRateLimit, 'flood'],
  [Codes.ChannelWriteRateLimit, 'flood'],
  [Codes.MaximumNumberOfEditsToMessagesOlderThanOneHourReached, 'flood'],
  [Codes.APIResourceOverloaded, 'unreachable'],
]);

/** Milliseconds, where Discord asks for less without saying for how long. */
const FLOOD_MS = 5000;

/**
 * The library's classes carry the payload, and addresses with tokens in them: none of them leaves
 * this folder.
 * @param right what it would have taken, where Discord says only that a permission is missing
 */
export function toPlatformError(error: unknown, right?: MissingRight): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof RateLimitError) {
    const waitMs = Math.max(error.retryAfter, error.sublimitTimeout, error.timeToReset, 0);
    return new PlatformError('flood', `Discord's limit of ${error.route} is reached`, waitMs);
  }
  if (error instanceof DiscordAPIError) return refusal(error, right);
  if (error instanceof HTTPError) {
    return new PlatformError('unreachable', `Discord answered ${error.status}`);
  }
  if (error instanceof Error && /Expected token to be set/.test(error.message)) {
    return new PlatformError('unreachable', 'Discord does not take the bot token');
  }
  if (isNetworkError(error)) {
    return new PlatformError('unreachable', 'Discord could not be reached');
  }
  return new PlatformError('refused', 'Preparing what Discord was to be sent failed');
}

function refusal(error: DiscordAPIError, right: MissingRight | undefined): PlatformError {
  const { status, code, method } = error;
  const said = `Discord answered ${status} to ${method}, code ${String(code)}`;
  const meaning = MEANINGS.get(code);
  if (meaning !== undefined) {
    return new PlatformError(meaning, said, meaning === 'flood' ? FLOOD_MS : 0);
  }
  if (code === Codes.CannotReplyWithoutPermissionToReadMessageHistory) {
    return new PlatformError('refused', said, 0, 'history');
  }
  if (code === Codes.MissingPermissions) return new PlatformError('refused', said, 0, right);
  // The token may be exchanged while an answer waits.
  if (status === 401 || status >= 500) return new PlatformError('unreachable', said);
  return new PlatformError(status === 404 ? 'gone' : 'refused', said);
}

/** Of undici, beside those of Node. */
const NOT_SENT = new Set([...BEFORE_SENDING, 'UND_ERR_CONNECT_TIMEOUT']);

/**
 * Whether Discord certainly did not do what it was asked: it said so, or never got the request.
 * A gateway's 5xx, and anything else that goes wrong with the network, leave that open.
 */
export function certainlyNotDone(error: unknown): boolean {
  if (error instanceof HTTPError) return false;
  if (!isNetworkError(error)) return true;
  const code = errorCode(error);
  return code !== undefined && NOT_SENT.has(code);
}

function isNetworkError(error: unknown): boolean {
  if (error instanceof PlatformError || error instanceof DiscordAPIError) return false;
  if (error instanceof Error && /^(?:AbortError|TimeoutError)$/.test(error.name)) return true;
  return /^(?:E[A-Z_]+|UND_ERR_\w+)$/.test(errorCode(error) ?? '');
}

function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? errorCode(error.cause) : undefined;
}

/** That there is no such message (any more). */
export function isUnknownMessage(error: unknown): boolean {
  return error instanceof DiscordAPIError && error.code === Codes.UnknownMessage;
}

/** That a thread begins at the message already. */
export function hasThread(error: unknown): boolean {
  return error instanceof DiscordAPIError && error.code === Codes.ThreadAlreadyCreatedForMessage;
}

/** What a log may say of an error: no payload, no text, no token. */
export function describe(error: unknown): { reason: string } {
  const known =
    error instanceof PlatformError ||
    error instanceof DiscordAPIError ||
    error instanceof HTTPError ||
    error instanceof RateLimitError;
  if (known) {
    const { code, message } = toPlatformError(error);
    return { reason: `${code}: ${message}` };
  }
  const name = error instanceof Error ? error.name : typeof error;
  const code = errorCode(error);
  if (isNetworkError(error)) return { reason: `network: ${code ?? 'no answer'}` };
  return { reason: code === undefined ? name : `${name}: ${code}` };
}
