/**
 * A draft's number is its turn's, so that Telegram's stop button names the turn. Telegram takes
 * 32-bit numbers other than 0; turns beyond that share numbers with old ones and are not named.
 */

const MAX_INT32 = 0x7fffffff;

export function draftIdOf(turnId: number): number {
  return turnId > 0 && turnId <= MAX_INT32 ? turnId : -1 - (Math.abs(turnId) % MAX_INT32);
}

/** @returns undefined when the draft does not tell: whatever runs in the chat is meant */
export function turnIdOf(draftId: number): number | undefined {
  return draftId > 0 ? draftId : undefined;
}
