/** What a parser of outside input must hold, whatever it is given. */

import fc from 'fast-check';
import { expect } from 'vitest';

export interface FuzzProperty {
  readonly name: string;
  /** Checks one input after the other until the runs, or the time, are over. */
  check(limits: FuzzLimits): Promise<FuzzResult>;
}

export interface FuzzLimits {
  readonly runs: number;
  /** In milliseconds. */
  readonly forMs?: number;
}

export interface FuzzResult {
  readonly runs: number;
}

/** Seconds of the processor that one input may take: no input here is longer than some 100 kB. */
const MOST_SECONDS = 2;

/**
 * @param hold throws where the parser does what it must not; it is told what was given
 */
export function holds<T>(
  name: string,
  input: fc.Arbitrary<T>,
  hold: (input: T) => void | Promise<void>,
): FuzzProperty {
  return {
    name,
    async check({ runs, forMs }) {
      const property = fc.asyncProperty(input, async (given) => {
        const before = cpuSeconds();
        await hold(given);
        expect(cpuSeconds() - before, 'seconds').toBeLessThan(MOST_SECONDS);
        expectNoPollution();
      });
      const details = await fc.check(property, {
        numRuns: runs,
        ...(forMs === undefined
          ? {}
          : { interruptAfterTimeLimit: forMs, markInterruptAsFailure: false }),
      });
      if (details.failed) {
        throw new Error(fc.defaultReportMessage(details), { cause: details.errorInstance });
      }
      return { runs: details.numRuns };
    },
  };
}

/** What `work` throws is to be one of these errors; anything else fails the property. */
export async function throwsOnly(
  errors: readonly (abstract new (...args: never[]) => Error)[],
  work: () => unknown,
): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Error && errors.some((kind) => error instanceof kind)) return error;
    throw error;
  }
}

function cpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

const OWN_NAMES = [Object.prototype, Array.prototype, Function.prototype, String.prototype].map(
  (prototype) => ({ prototype, names: Reflect.ownKeys(prototype).length }),
);

function expectNoPollution(): void {
  for (const { prototype, names } of OWN_NAMES) {
    expect(Reflect.ownKeys(prototype).length, 'members of a prototype').toBe(names);
  }
}
