/** Sentences that only Telegram's users see. Markdown, unless said otherwise. */

/** Stands in a group, as plain text, until the first words of an answer are there. */
export const THINKING = 'Thinking…';

/** Label of the button below an answer that grows in a group. Plain text. */
export const STOP = 'Stop';

/** Comes before a part of an answer of which nobody knows whether it arrived already. */
export const MAY_BE_A_REPEAT =
  '_The connection broke while this was being sent, so it may stand here twice._';

/** Stands where an answer has no text at all. */
export const EMPTY_ANSWER = '_There is nothing to show._';

/** Below a file with code from the answer. Plain text. */
export function codeFileCaption(name: string): string {
  return `The whole code from the answer, as ${name}.`;
}

/** Told to the sender of a message that could not be taken in, however often it was tried. Plain text. */
export const COULD_NOT_TAKE_IN =
  'Something went wrong with this message on my side, and I could not take it in. Please send it again, perhaps in other words.';

/** Why receiving could not begin: for the operator, as plain text, keyed by the error's reason. */
export const START_ERRORS = {
  'bad-token':
    'Telegram does not know this bot token. Copy it again from @BotFather into TELEGRAM_BOT_TOKEN.',
  conflict:
    'Another process receives the messages of this Telegram bot. Stop it, or give this one a token of its own in TELEGRAM_BOT_TOKEN.',
  'bad-webhook':
    'Telegram refused the webhook. TELEGRAM_WEBHOOK_URL has to be an HTTPS address that the internet can reach, on port 443, 80, 88 or 8443, and TELEGRAM_WEBHOOK_SECRET 1 to 256 of A-Z, a-z, 0-9, _ and -.',
} as const;
