/** Chance that can be had again: `FAULTS_SEED=… npm run test:faults` plays the same game. */

export interface Random {
  /** At least `from`, less than `to`. */
  between(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
  shuffle<T>(values: readonly T[]): T[];
}

/** For the whole run, set by vitest.faults.config.ts; printed by the report. */
export const SEED = Number(process.env.FAULTS_SEED ?? 1);

/** @param name each scenario has its own sequence, whichever others run */
export function createRandom(name: string): Random {
  let state = SEED;
  for (const letter of name) state = (Math.imul(state, 31) + letter.charCodeAt(0)) | 0;
  // Marsaglia's xorshift, 32 bits.
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  if (state === 0) state = 1;
  for (let i = 0; i < 20; i++) next();
  const random: Random = {
    between: (from, to) => from + next() * (to - from),
    pick(values) {
      const picked = values[Math.floor(next() * values.length)];
      if (picked === undefined) throw new Error('nothing to choose from');
      return picked;
    },
    shuffle: (values) =>
      values
        .map((value) => ({ value, at: next() }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ value }) => value),
  };
  return random;
}
