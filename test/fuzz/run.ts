import { test } from 'vitest';
import type { FuzzProperty } from './property.ts';

/** How long each parser is tried, in seconds. */
const SECONDS = 60;

export function fuzz(properties: readonly FuzzProperty[]): void {
  test.each(properties)('$name', { timeout: (SECONDS + 60) * 1000 }, async (property) => {
    const { runs } = await property.check({ runs: 1_000_000_000, forMs: SECONDS * 1000 });
    process.stdout.write(`${property.name}: ${runs} inputs in ${SECONDS} s\n`);
  });
}
