/** PostgreSQL really goes away and comes back: a crash, and a disk without room. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { hasRedis } from '../support/redis.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { waitFor } from '../support/wait-for.ts';
import { openFaultStage } from './stage.ts';

describe.each([
  { backend: 'postgres' as const, where: 'PostgreSQL' },
  { backend: 'redis' as const, where: 'Redis' },
])('with the queue on $where', ({ backend }) => {
  test.skipIf(backend === 'redis' && !hasRedis())(
    `PostgreSQL is shut down at once and started again, three times (${backend})`,
    async (context) => {
      const postgres = await startOwnPostgres(await mkdtemp(join(tmpdir(), 'latchkey-faults-')));
      const stage = await openFaultStage(context, { backend, database: postgres.database });
      await stage.supervise('bot', { env: { ROLE: 'bot' } });
      await stage.supervise('worker', { env: { ROLE: 'worker' } });
      stage.load();
      for (let round = 0; round < 3; round++) {
        await sleep(stage.random.between(1_000, 3_000));
        await postgres.crash();
        stage.struck();
        await sleep(stage.random.between(0, 4_000));
        await postgres.start();
      }
      await stage.settle();
    },
  );
});

/** In kilobytes: a new database takes some 75 MB, with its log. */
const DISK = 160 * 1_024;
const disk = mountSmallDisk(DISK);

test.skipIf(disk === undefined)(
  'the disk under PostgreSQL is full, twice, and gets room again',
  async (context) => {
    if (disk === undefined) throw new Error('no disk');
    context.onTestFinished(() => disk.close());
    const postgres = await startOwnPostgres(join(disk.folder, 'data'), {
      max_wal_size: '48MB',
      min_wal_size: '32MB',
    });
    const stage = await openFaultStage(context, { database: postgres.database });
    const bot = await stage.supervise('bot', { env: { ROLE: 'bot' } });
    const worker = await stage.supervise('worker', { env: { ROLE: 'worker' } });
    stage.load();
    const full = () =>
      `${bot.output()}${worker.output()}`.match(/53100|No space left|could not extend/g)?.length;
    for (let round = 0; round < 2; round++) {
      await sleep(stage.random.between(1_000, 3_000));
      const before = full() ?? 0;
      await disk.fill();
      stage.struck();
      // What has room in its pages still goes through; the first thing that has none fails.
      await waitFor(() => !postgres.isUp() || (full() ?? 0) > before, {
        timeoutMs: 40_000,
        what: 'that the disk is felt',
      });
      await sleep(stage.random.between(500, 3_000));
      await disk.makeRoom();
      await postgres.start();
    }
    const counted = await stage.settle();
    expect(counted.faults).toBe(2);
  },
);
