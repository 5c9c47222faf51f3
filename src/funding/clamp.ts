/** How much output a remaining sum pays for. */

/** A turn that could say less than this is refused instead. */
export const LEAST_OUTPUT_TOKENS = 256;

export interface OutputCost {
  /** The most that the input can cost, in micros. */
  readonly inputMicros: number;
  /** Micros a million output tokens. */
  readonly outputMicrosPerMillion: number;
  /** The most output wanted, in tokens. */
  readonly maxOutputTokens: number;
}

/** Rounded up, so that what is reserved covers whatever is used. */
export function outputMicros(request: OutputCost, tokens: number): number {
  return Math.ceil((tokens * request.outputMicrosPerMillion) / 1_000_000);
}

/** How many output tokens `leftMicros` pays for after the input; 0 or less: not even that. */
export function affordableOutput(request: OutputCost, leftMicros: number): number {
  const forOutput = leftMicros - request.inputMicros;
  if (forOutput < 0) return 0;
  if (request.outputMicrosPerMillion === 0) return request.maxOutputTokens;
  const affordable = Math.floor((forOutput * 1_000_000) / request.outputMicrosPerMillion);
  return Math.min(request.maxOutputTokens, affordable);
}
