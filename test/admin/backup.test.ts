/** `backup` and `restore`, as processes of their own. */

import { execFile } from 'node:child_process';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { tombstoneFileOf } from '../../src/keys/tombstones.ts';
import { createForgetting } from '../../src/users/forgetting.ts';
import { createMessageDeletions } from '../../src/users/message-deletions.ts';
import { createRingStage, type RingStage } from '../keys/ring-stage.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import {
  ask,
  begin,
  createParts,
  furnish,
  meet,
  type Parts,
  rowsNaming,
} from '../users/somebody.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));

let stage: RingStage;
let parts: Parts;
let target: TestDatabase;
let file: string;
beforeEach(async () => {
  stage = await createRingStage();
  target = await createEmptyDatabase();
  const { ring } = await stage.process();
  parts = await createParts(stage.database.db, ring);
  await parts.db.execute(
    sql`insert into installation values ('key-ring', ${JSON.stringify(ring.pseudonym('installation'))}::text::jsonb)`,
  );
  file = join(stage.folder, 'all.backup');
});
afterEach(async () => {
  await target.close();
  await stage.close();
});

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(
  database: TestDatabase,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const env = {
    PATH: process.env.PATH ?? '',
    ...COMPILE_CACHE,
    DATABASE_URL: database.url.reveal(),
    KEY_RING_FILE: stage.file,
    ...more,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [START, ...args],
      { cwd: stage.folder, env },
      (_error, out, err) => resolve({ out, err, code: child.exitCode ?? -1 }),
    );
  });
}
const backUp = () => run(stage.database, ['admin', 'backup', file]);
const restore = () => run(target, ['admin', 'restore', file, '--json']);

/** Every row of every table, but for what a restore itself changes. */
async function contents(db: Database): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = await db.execute<{ name: string }>(sql`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1`);
  const all: Record<string, readonly string[]> = {};
  for (const { name } of tables) {
    if (name === 'audit' || name === 'installation') continue;
    const rows = await db.execute<{ row: string }>(
      sql`select t::text as row from ${sql.identifier(name)} t order by 1`,
    );
    all[name] = rows.map(({ row }) => row);
  }
  return all;
}

test('every row comes back as it was, and what is new is numbered after it', async () => {
  const bob = await meet(parts);
  await furnish(parts, bob, { platform: 'telegram', chatId: '-100778', kind: 'group' });
  const odd = JSON.stringify('a\u2028b\rc\td\\.\n\\.\n"e" \u0001 🗝️ \\N');
  await parts.db.execute(sql`insert into sent_notices values ('telegram', ${odd}, ${'\\.'})`);
  await parts.db.execute(sql`
    update turns set status = 'done' where status in ('queued', 'running')`);
  await parts.db.execute(sql`update mailbox set open = 0`);
  const before = await contents(parts.db);
  expect(await backUp()).toMatchObject({ code: 0, out: expect.stringMatching(/keep a copy/) });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await restore()).toMatchObject({ code: 0 });
  const after = await contents(target.db);
  // Settled, where something was left open.
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [name, rows] of Object.entries(before)) {
    if (!name.includes('reservations') && !name.endsWith('_days'))
      expect(after[name]).toEqual(rows);
  }
  const [next] = await target.db.execute<{ id: number }>(
    sql`insert into users default values returning id`,
  );
  expect(next?.id).toBeGreaterThan(bob.userId);
  const verified = await run(target, ['admin', 'audit', 'verify']);
  expect(verified).toMatchObject({ code: 0 });
}, 60_000);

test('a restore forgets who was forgotten since, and cancels what was open', async () => {
  const [ada, bob] = [await meet(parts), await meet(parts)];
  await furnish(parts, ada, { platform: 'telegram', chatId: '-100778', kind: 'group' });
  const { turnId } = await ask(parts, bob, 'open');
  await ask(parts, bob, 'waits');
  await begin(parts, bob);
  expect(await backUp()).toMatchObject({ code: 0 });
  const forgetting = createForgetting({
    ...parts,
    deletions: createMessageDeletions({ db: parts.db, sender: () => undefined }),
    tombstoneFile: tombstoneFileOf(stage.file),
    onError: () => {},
  });
  const { token } = await forgetting.ask(ada.userId);
  const directChat = { platform: 'telegram', chatId: ada.platformUserId } as const;
  await forgetting.confirm(ada.userId, token, { directChat, messageId: undefined });
  await forgetting.resume();

  const { code, out } = await restore();
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ forgotten: 1, cancelled: 2 });
  expect(await rowsNaming(target.db, ada.platformUserId)).toEqual({});
  const rows = await target.db.execute(sql`
    select id, status, cancel_reason as reason from turns where user_id = ${bob.userId} order by id`);
  expect(rows).toMatchObject([
    { id: turnId, status: 'cancelled', reason: 'restored' },
    { status: 'cancelled', reason: 'restored' },
  ]);
  const [open] = await target.db.execute<{ turns: number; reserved: number }>(sql`
    select (select sum(open)::int from mailbox) as turns,
           (select count(*)::int from reservations where settled_at is null) as reserved`);
  expect(open).toEqual({ turns: 0, reserved: 0 });
}, 60_000);

test('a restore that is broken off keeps Latchkey from starting, and can be run again', async () => {
  await meet(parts);
  await backUp();
  // The rows are back, and what comes after them fails.
  await rename(stage.file, `${stage.file}.away`);
  expect(await restore()).toMatchObject({ code: 1 });
  await rename(`${stage.file}.away`, stage.file);
  const started = await run(target, [], { TELEGRAM_BOT_TOKEN: `1:${'x'.repeat(35)}` });
  expect(started).toMatchObject({
    code: 1,
    err: expect.stringMatching(/restore .*was broken off/),
  });
  expect(await restore()).toMatchObject({ code: 0 });
  expect(await run(target, ['admin', 'key-ring', 'status'])).toMatchObject({ code: 0 });
}, 60_000);

test('what is no whole backup is refused in one sentence, and nothing is touched', async () => {
  const marker = () =>
    target.db.execute(sql`select count(*)::int as n from pg_class where relname = 'users'`);
  await backUp();
  const whole = await readFile(file);
  const text = gunzipSync(whole).toString();
  const bad: readonly [Uint8Array, RegExp][] = [
    [whole.subarray(0, whole.length / 2), /can't be read|not whole/],
    [gzipSync(text.replace('"installation"', '"installations"')), /checksum/],
    [gzipSync(text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1)), /its end is missing/],
    [gzipSync('{"format":"else"}\n'), /not a backup/],
    [Buffer.from('no gzip'), /can't be read/],
    [Buffer.alloc(0), /can't be read|is empty/],
  ];
  for (const [bytes, sentence] of bad) {
    await writeFile(file, bytes);
    const { code, err } = await restore();
    expect([code, err]).toEqual([1, expect.stringMatching(sentence)]);
    expect(await marker()).toEqual([{ n: 0 }]);
  }
}, 60_000);

test('a database with users, or one that somebody works with, is not overwritten; nor is a file', async () => {
  await meet(parts);
  await backUp();
  expect(await backUp()).toMatchObject({ code: 1, err: expect.stringMatching(/is there already/) });
  const full = await run(stage.database, ['admin', 'restore', file]);
  expect(full).toMatchObject({ code: 1, err: expect.stringMatching(/has users already/) });
  await target.db.execute(sql`set application_name = 'latchkey'`);
  const busy = await restore();
  expect(busy).toMatchObject({ code: 1, err: expect.stringMatching(/stop every bot/) });
}, 60_000);
