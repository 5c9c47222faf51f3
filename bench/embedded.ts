/** What is measured without a bot: an embedded PostgreSQL with Latchkey's tables, times, a table of them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../src/db/client.ts';
import { openDatabase } from '../src/db/open.ts';
import { type Spread, spreadOf } from './stats.ts';
import { lines, verdictOn } from './table.ts';

/** Runs `work` on an empty database, which is gone afterwards. */
export async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const { connection } = await openDatabase({
      database: { kind: 'embedded', dataDir },
      maxConnections: 4,
      onStep: () => {},
      onLost: (error) => {
        throw error;
      },
      onClose: (close) => closers.push(close),
    });
    return await work(connection.db);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Milliseconds of one go, after a tenth of them to warm up. */
export async function spreadOver(samples: number, work: () => Promise<unknown>): Promise<Spread> {
  const times: number[] = [];
  const warmup = Math.ceil(samples / 10);
  for (let n = -warmup; n < samples; n += 1) {
    const begun = performance.now();
    await work();
    if (n >= 0) times.push(performance.now() - begun);
  }
  return spreadOf(times);
}

/** To the hundredth: what is measured here takes a few milliseconds. */
export function finely({ median, p99 }: Spread): string {
  return `${median.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
}

export function finelyWithin(spread: Spread, mostMs: number): string {
  return `${finely(spread)} (at most ${mostMs} ms: ${verdictOn(spread.median <= mostMs)})`;
}

/** A table of two columns without a head. */
export function twoColumns(rows: readonly (readonly [string, string])[]): readonly string[] {
  return lines(['', ''], rows);
}
