/** A rotation on a disk that is really full: nothing is lost, and it goes on when there is room. */

import { chown, copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { dataKeys } from '../../src/db/schema.ts';
import { createRingStage, PLACE, type RingStage, type RunningProcess } from '../keys/ring-stage.ts';
import { mountSmallDisk } from '../support/small-disk.ts';
import { runAdmin } from './run-admin.ts';

const disk = mountSmallDisk(1_024);

describe.skipIf(disk === undefined)('a disk that is really full', () => {
  let stage: RingStage;
  let bot: RunningProcess;
  let people: readonly { id: number; sealed: Uint8Array }[];

  beforeAll(async () => {
    stage = await createRingStage();
    bot = await stage.process();
    await stage.database.db.execute(
      sql`insert into installation values ('key-ring', ${JSON.stringify(bot.ring.pseudonym('installation'))}::text::jsonb)`,
    );
    people = await stage.people(bot.vault, 200);
  });
  afterAll(async () => {
    await stage.database.db.execute(sql`alter table data_keys set tablespace pg_default`);
    await stage.database.db.execute(sql`drop tablespace if exists full_disk`);
    await stage.close();
    disk?.close();
  });

  const kids = async () => {
    const rows = await stage.database.db.select({ kid: dataKeys.kid }).from(dataKeys);
    return [...new Set(rows.map(({ kid }) => kid))];
  };

  test('under the key ring leaves the ring as it was, and says so; with room the rotation is done', async () => {
    const folder = join(disk?.folder ?? '', 'ring');
    await mkdir(folder);
    const file = join(folder, 'key-ring.json');
    await copyFile(stage.file, file);
    const before = await readFile(file, 'utf8');
    await disk?.fill();
    const full = await runAdmin(stage, ['key-ring', 'rotate'], { KEY_RING_FILE: file });
    expect(full.err).toContain('The disk is full: the key ring');
    expect(full.code).toBe(1);
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await readdir(folder)).toEqual(['key-ring.json']);

    await disk?.makeRoom();
    const { code } = await runAdmin(stage, ['key-ring', 'rotate'], { KEY_RING_FILE: file });
    expect(code).toBe(0);
    // For what comes after this: the ring that everything is under now.
    await stage.writeRing(JSON.parse(await readFile(file, 'utf8')));
    for (const { id, sealed } of people) {
      expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
    }
  });

  test('under the database stops the rotation in the middle, and it goes on with the same key', async () => {
    const { db } = stage.database;
    const [old] = await kids();
    const folder = join(disk?.folder ?? '', 'tables');
    await mkdir(folder, { mode: 0o700 });
    const [server] = await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    // PostgreSQL may run as another user than this test, and takes only a folder of its own.
    const { uid, gid } = await stat(`/proc/${server?.pid}`);
    await chown(folder, uid, gid);
    await db.execute(sql`create tablespace full_disk location ${sql.raw(`'${folder}'`)}`);
    await db.execute(sql`alter table data_keys set tablespace full_disk`);
    // No room in its pages, and for some rows more on the disk.
    await db.execute(sql`vacuum full data_keys`);
    await disk?.fill(8);

    const full = await runAdmin(stage, ['key-ring', 'rotate']);
    expect(full.err).toContain('The disk of the database is full: what was done stays done.');
    expect(full.code).toBe(1);
    const { active } = await stage.readRing();
    expect(active).not.toBe(old);
    expect((await kids()).sort()).toEqual([active, old].sort());
    for (const { id, sealed } of people) {
      expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
    }

    await disk?.makeRoom();
    const { code, out } = await runAdmin(stage, ['key-ring', 'rotate', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ kid: active, resumed: true, failed: 0, lost: 0 });
    expect(await kids()).toEqual([active]);
    for (const { id, sealed } of people) {
      expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
    }
  });
});
