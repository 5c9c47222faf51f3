/** What the doctor says of one thing that it looked at. */

export interface Finding {
  /** What was looked at, in a word or two. */
  readonly what: string;
  /** `warning`: it works, and may not for long. `wrong`: mend it. */
  readonly state: 'ok' | 'warning' | 'wrong';
  /** One sentence; no secret. */
  readonly says: string;
  /** What to do about it. */
  readonly mend?: string;
}

export const ok = (what: string, says: string): Finding => ({ what, state: 'ok', says });

export const warning = (what: string, says: string, mend: string): Finding => ({
  what,
  state: 'warning',
  says,
  mend,
});

export const wrong = (what: string, says: string, mend: string): Finding => ({
  what,
  state: 'wrong',
  says,
  mend,
});
