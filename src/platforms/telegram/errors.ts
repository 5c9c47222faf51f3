/** What Telegram's refusals and failures mean. The only place that knows grammY's error classes. */

import { GrammyError, HttpError } from 'grammy';
import { PlatformError } from '../../chat/platform.ts';
import { BEFORE_SENDING } from '../../chat/sending/before-sending.ts';
import { StartError } from '../../start-error.ts';
import { START_ERRORS } from '../../text/telegram.ts';

/** Telegram can't be used with the settings that there are. */
export class TelegramStartError extends StartError {
  readonly reason: keyof typeof START_ERRORS;

  constructor(reason: keyof typeof START_ERRORS) {
    super(START_ERRORS[reason]);
    this.reason = reason;
  }
}

/** Descriptions of answers with code 400 after which nothing can be sent to the chat any more. */
const WRITING_FORBIDDEN =
  /not enough rights to send|have no rights to send|CHAT_WRITE_FORBIDDEN|CHAT_RESTRICTED|USER_IS_BLOCKED|need administrator rights/i;
/** … and those that say that what was named does not exist (any more). */
const GONE =
  /not found|TOPIC_CLOSED|TOPIC_DELETED|TOPIC_ID_INVALID|MESSAGE_ID_INVALID|PEER_ID_INVALID|group chat was (?:deleted|deactivated|upgraded)|message can't be edited|chat was deleted|user is deactivated/i;

/** The library's classes carry the payload or the token: none of them leaves this folder. */
export function toPlatformError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof GrammyError) return refusal(error);
  if (error instanceof HttpError) {
    return new PlatformError('unreachable', 'Telegram could not be reached');
  }
  return new PlatformError('refused', 'Preparing what Telegram was to be sent failed');
}

function refusal(error: GrammyError): PlatformError {
  const said = `Telegram answered ${error.error_code} to ${error.method}: ${error.description}`;
  const { error_code: code, description } = error;
  if (code === 429) {
    return new PlatformError('flood', said, (error.parameters.retry_after ?? 1) * 1000);
  }
  if (code === 403 || (code === 400 && WRITING_FORBIDDEN.test(description))) {
    return new PlatformError('blocked', said);
  }
  // The token may be exchanged, and another poller may go away, while the answer waits.
  if (code >= 500 || code === 401 || code === 404 || code === 409) {
    return new PlatformError('unreachable', said);
  }
  // The message that is replied to may be gone while the chat is there.
  const gone = GONE.test(description) && !/\brepl(?:y|ied)\b/i.test(description);
  return new PlatformError(gone ? 'gone' : 'refused', said);
}

/**
 * Whether Telegram certainly did not do what it was asked: it said so, or never got the request.
 * Anything else that goes wrong with the network leaves that open.
 */
export function certainlyNotDone(error: unknown): boolean {
  if (!(error instanceof HttpError)) return true;
  const code = errorCode(error.error);
  return code !== undefined && BEFORE_SENDING.includes(code);
}

function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The id that the chat has now, when it was refused because the group became a supergroup. */
export function migratedTo(error: unknown): number | undefined {
  return error instanceof GrammyError ? error.parameters.migrate_to_chat_id : undefined;
}

/** An edit that would change nothing: Telegram calls that an error, Latchkey does not. */
export function isNotModified(error: unknown): boolean {
  return error instanceof GrammyError && /message is not modified/i.test(error.description);
}

/** `getFile` refuses files over 20 MB. */
export function refusedAsTooBig(error: unknown): boolean {
  return error instanceof GrammyError && /file is too big/i.test(error.description);
}

/** That there is no such message (any more), said of one that was to be deleted. */
export function isDeletedAlready(error: unknown): boolean {
  return (
    error instanceof GrammyError &&
    /message to delete not found|MESSAGE_ID_INVALID/i.test(error.description)
  );
}

/** Telegram's own code of the answer, 0 where none came. */
export function answerCode(error: unknown): number {
  return error instanceof GrammyError ? error.error_code : 0;
}

/** What a log may say of an error: no payload, no text, no token. */
export function describe(error: unknown): { reason: string } {
  if (error instanceof PlatformError) return { reason: `${error.code}: ${error.message}` };
  if (error instanceof GrammyError) return { reason: refusal(error).message };
  if (error instanceof HttpError) {
    return { reason: `network: ${errorCode(error.error) ?? 'no answer'}` };
  }
  const name = error instanceof Error ? error.name : typeof error;
  const code = errorCode(error);
  return { reason: code === undefined ? name : `${name}: ${code}` };
}
