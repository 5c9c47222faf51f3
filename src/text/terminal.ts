import { inlineCode } from './markdown.ts';

/** What the terminal says on its own. Markdown where it is not said otherwise. */

export const terminalText = {
  welcome: (): string =>
    'Latchkey, in this terminal. Type a question. `/help` shows what else there is; Ctrl-D leaves.',
  /** Plain; the seconds are counted since the question. */
  thinking: (seconds: number): string => `thinking … ${seconds} s`,
  /** Plain. */
  answering: (seconds: number): string => `${seconds} s · Ctrl-C stops`,
  /** Plain. */
  leaveHint: (): string => 'Press Ctrl-C again to leave.',
  stopping: (): string => 'Stopping …',
  notTaken: (): string =>
    'Latchkey could not take this in just now, so nothing was done with it. Please send it again.',
  mayBeRepeat: (): string => 'Latchkey was interrupted; you may have seen this answer before.',
  brokenOff: (): string => 'The answer broke off here.',
  startedOver: (): string => 'The answer starts over:',
  goesOn: (): string => 'The answer goes on:',
  saved: (path: string): string => `Saved as ${inlineCode(path)}, readable by you alone.`,
  /** Plain. */
  moreLines: (count: number): string => (count === 1 ? '… 1 more line' : `… ${count} more lines`),
};
