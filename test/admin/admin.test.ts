/** The operator's shell, as processes of their own. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { dataKeys, identities } from '../../src/db/schema.ts';
import { createRingStage, PLACE, type RingStage, type RunningProcess } from '../keys/ring-stage.ts';
import { waitFor } from '../support/wait-for.ts';
import { beginAdmin } from './run-admin.ts';

let stage: RingStage;
let bot: RunningProcess;

beforeEach(async () => {
  stage = await createRingStage();
  bot = await stage.process();
  await stage.database.db.execute(
    sql`insert into installation values ('key-ring', ${JSON.stringify(bot.ring.pseudonym('installation'))}::text::jsonb)`,
  );
});
afterEach(() => stage.close());

const begin = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  beginAdmin(stage, args, env);
const admin = (...args: readonly string[]) => begin(args).ended;
const json = async (...args: readonly string[]) => {
  const { out, code } = await admin(...args, '--json');
  return { code, data: JSON.parse(out) };
};
const kids = async () => {
  const rows = await stage.database.db.select({ kid: dataKeys.kid }).from(dataKeys);
  return new Set(rows.map(({ kid }) => kid));
};

test('help names every command, and so does no command at all', async () => {
  for (const args of [['--help'], []]) {
    const { code, out } = await admin(...args);
    expect(code).toBe(0);
    expect(out).toContain('Usage: npm run admin --');
    expect(out).toMatch(/key-ring .*the keys that wrap/);
    expect(out).toMatch(/audit .*what was done/);
  }
  const { out } = await admin('key-ring', '--help');
  expect(out).toMatch(/status[\s\S]*add[\s\S]*rotate[\s\S]*retire/);
});

test('what can not be done is one sentence, and an exit code that is not 0', async () => {
  const cases: readonly (readonly [string[], Record<string, string>, RegExp])[] = [
    [['key-ring', 'retire', 'k-0'], {}, /^The key ring holds no key k-0: see key-ring status\.$/],
    [['audit', 'show', 'somebody'], {}, /^"somebody" names no user: /],
    [['audit', 'show', 'telegram:1'], {}, /^No user telegram:1 is known here/],
    [
      ['key-ring', 'status'],
      { KEY_RING_FILE: '/nowhere/ring' },
      /^The key ring \/nowhere\/ring is missing/,
    ],
    [
      ['key-ring', 'status'],
      { DATABASE_URL: 'postgres://127.0.0.1:1/x' },
      /^No PostgreSQL answers/,
    ],
    [
      ['key-ring', 'status'],
      { DATABASE_URL: '', DATA_DIR: stage.folder },
      /^There is no database in /,
    ],
    [['key-ring', 'status'], { HISTORY_DAYS: 'soon' }, /^HISTORY_DAYS is "soon"; it takes /],
    [['key-ring', 'turn'], {}, /unknown command 'turn'/],
    [['audit', 'verify', '--head', 'x'], {}, /number, a colon/],
  ];
  for (const [args, env, sentence] of cases) {
    const { code, out, err } = await begin(args, env).ended;
    expect(err.trim()).toMatch(sentence);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(code).toBe(1);
  }
  const { data } = await json('key-ring', 'retire', 'k-0');
  expect(data).toEqual({ error: expect.stringContaining('holds no key k-0') });
}, 60_000);

test('rotate, status and retire go hand in hand', async () => {
  await stage.people(bot.vault, 20);
  const { active: old } = await stage.readRing();
  const rotated = await admin('key-ring', 'rotate');
  expect(rotated.code).toBe(0);
  expect(rotated.out).toMatch(
    /^Rotated: k-\w+ is active, 20 rows were brought to it and verified\./,
  );
  expect(rotated.err).toMatch(/20 of 20 rows, \d+ a second/);
  const { active } = await stage.readRing();
  expect((await json('key-ring', 'status')).data).toEqual({
    keks: [
      { kid: old, state: 'unused', rows: 0, lost: 0 },
      { kid: active, state: 'active', rows: 20, lost: 0 },
    ],
  });
  const status = await admin('key-ring', 'status');
  expect(status.out).toMatch(new RegExp(`${active} +20 +active`));
  expect((await admin('key-ring', 'retire', old)).code).toBe(0);
  expect(Object.keys((await stage.readRing()).keys)).toEqual([active]);
  const { data, code } = await json('audit', 'verify');
  expect({ data, code }).toMatchObject({ code: 0, data: { ok: true, rows: 3, faults: [] } });
});

describe('a rotation of many rows', () => {
  beforeEach(async () => {
    await stage.people(bot.vault, 300);
    // Slow, so that it can be stopped in the middle.
    await stage.database.db.execute(sql`
      create function slowly() returns trigger language plpgsql as $$
      begin perform pg_sleep(0.02); return new; end $$`);
    await stage.database.db.execute(
      sql`create trigger slowly before update on data_keys for each row execute function slowly()`,
    );
  });
  const someRows = () =>
    waitFor(
      async () => {
        const rows = await stage.database.db.select({ version: dataKeys.version }).from(dataKeys);
        return rows.filter(({ version }) => version > 1).length > 20;
      },
      { timeoutMs: 20_000 },
    );

  test.each([
    ['SIGINT', 130],
    ['SIGKILL', null],
  ] as const)('can be ended by %s and goes on, with the same key', async (signal, code) => {
    const first = begin(['key-ring', 'rotate']);
    await someRows();
    first.child.kill(signal);
    expect((await first.ended).code).toBe(code);
    const { active } = await stage.readRing();
    expect((await kids()).size).toBe(2);
    if (signal === 'SIGINT') expect(first.said.out).toMatch(/^Stopped: \d+ rows are under/);

    await stage.database.db.execute(sql`drop trigger slowly on data_keys`);
    const { data } = await json('key-ring', 'rotate');
    expect(data).toMatchObject({ kid: active, resumed: true, failed: 0 });
    expect([...(await kids())]).toEqual([active]);
    expect((await json('audit', 'verify')).data.ok).toBe(true);
  });

  test('keeps a second operator out, and no longer than it lasts', async () => {
    const first = begin(['key-ring', 'rotate']);
    await someRows();
    expect((await admin('key-ring', 'rotate')).err).toContain('Another admin command is at work');
    first.child.kill('SIGKILL');
    await first.ended;
    await waitFor(async () => {
      const rows = await stage.database.db.execute(
        sql`select 1 from pg_stat_activity where application_name = 'latchkey-lock'`,
      );
      return rows.length === 0;
    });
    expect((await admin('key-ring', 'add')).code).toBe(0);
  });
}, 60_000);

test('audit: verify finds what was changed, show and export tell what was done', async () => {
  const id = await stage.user();
  await stage.database.db
    .insert(identities)
    .values({ platform: 'telegram', platformUserId: '77', userId: id });
  await bot.vault.seal(id, PLACE, 'x');
  await bot.audit.record(
    {
      action: 'key.added',
      actor: 'user',
      userId: id,
      provider: 'openai',
      detail: { state: 'valid' },
    },
    { action: 'key.deleted', actor: 'user', userId: id, provider: 'openai' },
  );
  const shown = await admin('audit', 'show', 'telegram:77');
  expect(shown.out).toMatch(/2 .*key\.deleted +user +openai[\s\S]*1 .*key\.added +user +openai/);
  const byPseudonym = await json('audit', 'show', bot.ring.pseudonym(String(id)));
  expect(byPseudonym.data.rows).toHaveLength(2);

  const exported = await admin('audit', 'export');
  const lines = exported.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.map(({ action }) => action)).toEqual(['key.added', 'key.deleted', 'audit.exported']);

  const { data } = await json('audit', 'verify');
  expect(data).toMatchObject({ ok: true, rows: 3 });
  const head = `${data.head.seq}:${data.head.mac}`;
  const kept = join(stage.folder, 'audit-head.json');
  expect(JSON.parse(await readFile(kept, 'utf8'))).toEqual(data.head);

  // Put back to an earlier state as a whole: only the kept heads tell.
  await stage.database.db.transaction(async (tx) => {
    await tx.execute(sql`set local session_replication_role = replica`);
    await tx.execute(sql`delete from audit`);
    await tx.execute(sql`delete from installation where name = 'audit-head'`);
  });
  const found = await admin('audit', 'verify');
  expect(found.code).toBe(1);
  expect(found.out).toMatch(/NOT whole[\s\S]*rows 1 to 3 were removed/);
  await rename(kept, `${kept}.away`);
  expect((await admin('audit', 'verify')).code).toBe(0);
  await rename(`${kept}.away`, kept);
  await writeFile(kept, '{"seq":0,"mac":""}');
  expect((await admin('audit', 'verify', '--head', head)).code).toBe(1);
}, 60_000);
