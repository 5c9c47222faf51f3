/** What every command of the operator's shell is. */

import type { Output } from './output.ts';
import type { AdminSession } from './session.ts';

/** What a command does with an open installation. @returns the exit code */
export type Work<Options extends object, Args extends readonly string[]> = (
  session: AdminSession,
  output: Output,
  /** Aborted by Ctrl+C: what is whole is kept, the rest is for the next time. */
  signal: AbortSignal,
  options: Options,
  ...args: Args
) => Promise<number>;

/** Makes commander's handler of a command's work. */
export type Run = <Options extends object, Args extends readonly string[]>(
  work: Work<Options, Args>,
) => (...given: unknown[]) => Promise<void>;

/** As {@link Run}, for what opens the installation by itself. */
export type RunWithout = <Options extends object, Args extends readonly string[]>(
  work: (output: Output, signal: AbortSignal, options: Options, ...args: Args) => Promise<number>,
) => (...given: unknown[]) => Promise<void>;
