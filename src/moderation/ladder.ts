/** What flags lead to: from warnings over pauses to a suspension. */

export type Consequence = 'warning' | 'pause' | 'suspension';

export interface Step {
  readonly kind: Consequence;
  /** In hours; undefined: until it is lifted. */
  readonly hours: number | undefined;
}

/** So long a flag counts, in days. */
export const FLAG_DAYS = 30;

/** The first flag within {@link FLAG_DAYS}, the second, and so on; the last stands for all further ones. */
const STEPS = [
  { kind: 'warning', hours: FLAG_DAYS * 24 },
  { kind: 'warning', hours: FLAG_DAYS * 24 },
  { kind: 'pause', hours: 24 },
  { kind: 'pause', hours: 7 * 24 },
  { kind: 'suspension', hours: undefined },
] as const satisfies readonly Step[];

/** @param before how many flags count already */
export function stepAfter(before: number): Step {
  return STEPS[Math.min(before, STEPS.length - 1)] ?? STEPS[0];
}
