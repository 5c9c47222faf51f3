export interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** @throws where there is nothing to tell of */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0 || values.some(Number.isNaN)) throw new Error('a sample is missing');
  const sorted = values.toSorted((a, b) => a - b);
  const [median, p99, max] = [quantile(sorted, 0.5), quantile(sorted, 0.99), quantile(sorted, 1)];
  return { median, p99, max, count: sorted.length };
}

/** Nearest rank: a value that was measured, not one between two. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}
