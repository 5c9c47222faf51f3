/** The doctor and the statistics, as processes of their own, between simulators. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkClock } from '../../src/admin/doctor/clock.ts';
import { checkDiscord } from '../../src/admin/doctor/discord.ts';
import { createAsking } from '../../src/admin/doctor/http.ts';
import { checkTelegram } from '../../src/admin/doctor/telegram.ts';
import { parseConfig } from '../../src/config.ts';
import { beginAdmin } from '../support/admin.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { createTestRedis, hasRedis, type TestRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';

interface Finding {
  readonly what: string;
  readonly state: string;
  readonly says: string;
  readonly mend?: string;
}

let world: World;
let folder: string;
let redis: TestRedis | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-doctor-'));
  world = await createWorld({ discord: {} });
  if (hasRedis()) redis = await createTestRedis();
  const app = await world.start();
  const ann = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(ann);
  world.telegram.say(chat, ann, 'hello');
  await waitFor(() => world.telegram.messages(chat).some((m) => m.from?.is_bot === true));
  await app.stop();
});

afterAll(async () => {
  await world.close();
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

function admin(args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const env = { ...world.env, OPENAI_BASE_URL: world.openai.url, ...more };
  return beginAdmin({ cwd: folder, env }, args).ended;
}

async function examine(env: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = await admin(['doctor', '--json'], env);
  const report: { ok: boolean; findings: Finding[] } = JSON.parse(out);
  const of = (what: string) => report.findings.filter((finding) => finding.what === what);
  return { code, ok: report.ok, findings: report.findings, of, text: out + err };
}

describe('the doctor', () => {
  test('finds nothing wrong where all is well, and says what it saw', async () => {
    const { code, out, err } = await admin(['doctor']);
    expect(out).toMatch(/^✓ settings {2,}Telegram by long polling and Discord, role all/m);
    expect(out).toMatch(/^✓ telegram token {2,}Telegram knows it as @/m);
    expect(out).toMatch(/^✓ discord token {2,}Discord knows it as /m);
    expect(out).toMatch(/^✓ house key {2,}OpenAI accepts it/m);
    expect(out).toMatch(/^✓ database {2,}PostgreSQL 18 answers/m);
    expect(out).toMatch(/^✓ database tables {2,}They are those of this version/m);
    expect(out).toMatch(/^✓ key ring {2,}The ring opens what the database holds/m);
    expect(out).toMatch(/^✓ key ring file {2,}Its owner alone can read it/m);
    expect(out).toMatch(/^✓ clock {2,}It agrees with /m);
    expect(out).not.toContain('✗');
    expect(out.trimEnd()).toMatch(/(All is well|Nothing is wrong; .*)\.$/);
    expect(err).toBe('Looking, for a quarter of a minute at most…\n');
    expect(code).toBe(0);
  });

  test('names each thing that is wrong, how to mend it, and no secret', async () => {
    const token = `123456:${'B'.repeat(35)}`;
    const key = `sk-${'proj'}-${'x'.repeat(40)}`;
    const { code, ok, of, text } = await examine({
      TELEGRAM_BOT_TOKEN: token,
      DISCORD_BOT_TOKEN: ['MTA'.repeat(8), 'AbCdEf', 'x'.repeat(38)].join('.'),
      OPENAI_API_KEY: key,
      DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/x',
      REDIS_URL: 'redis://:hunter2@127.0.0.1:1',
      DATA_DIR: folder,
    });
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    for (const what of ['telegram token', 'discord token', 'house key', 'database', 'redis']) {
      expect(of(what), what).toEqual([expect.objectContaining({ state: 'wrong' })]);
      expect(of(what)[0]?.mend).toBeTruthy();
    }
    for (const secret of [token, key, 'hunter2', 'x'.repeat(38)])
      expect(text).not.toContain(secret);
  });

  test('settings that are wrong are all that it says', async () => {
    const { code, findings } = await examine({ ROLE: 'master' });
    expect(code).toBe(1);
    expect(findings).toEqual([
      expect.objectContaining({
        what: 'settings',
        state: 'wrong',
        says: expect.stringContaining('ROLE is "master"'),
      }),
    ]);
  });

  test.skipIf(!hasRedis())(
    'a Redis that may forget is wrong, and one that does not write to disk a warning',
    async () => {
      if (redis === undefined) throw new Error();
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      const bad = await examine({ REDIS_URL: redis.url });
      expect(bad.of('redis eviction')).toEqual([
        expect.objectContaining({ state: 'wrong', mend: expect.stringContaining('noeviction') }),
      ]);
      expect(bad.of('redis disk')[0]?.state).toBe('warning');
      expect(bad.code).toBe(1);
      await client.config('SET', 'maxmemory-policy', 'noeviction');
      await client.config('SET', 'appendonly', 'yes');
      const good = await examine({ REDIS_URL: redis.url });
      expect(good.of('redis eviction')[0]?.state).toBe('ok');
      expect(good.of('redis disk')[0]?.state).toBe('ok');
      await client.config('SET', 'requirepass', 'hunter2');
      expect((await examine({ REDIS_URL: redis.url })).of('redis')[0]?.says).toContain('refuses');
      await client.quit();
    },
  );

  test('a key ring that others can read, or that is another one, is wrong', async () => {
    const file = join(world.env.DATA_DIR ?? '', 'key-ring.json');
    await chmod(file, 0o644);
    try {
      const { of } = await examine();
      expect(of('key ring file')[0]).toMatchObject({
        state: 'wrong',
        says: expect.stringContaining('(mode 644)'),
        mend: `chmod 600 ${file}`,
      });
    } finally {
      await chmod(file, 0o600);
    }
    const other = join(folder, 'other-ring.json');
    await writeFile(other, '{}', { mode: 0o600 });
    expect((await examine({ KEY_RING_FILE: other })).of('key ring')[0]?.state).toBe('wrong');
  });

  test('looking makes no tables', async () => {
    const empty = await createEmptyDatabase();
    try {
      const { of, code } = await examine({ DATABASE_URL: empty.url.reveal() });
      expect(of('database tables')[0]).toMatchObject({
        state: 'warning',
        says: 'There are none yet.',
      });
      expect(code).toBe(0);
      const tables = await empty.db.execute("select 1 from pg_tables where schemaname = 'public'");
      expect(tables).toHaveLength(0);
    } finally {
      await empty.close();
    }
  });

  test('an intent that Discord does not grant is wrong where it is asked for', async () => {
    const { discord } = world;
    if (discord === undefined) throw new Error();
    const config = parseConfig({ ...world.env, DISCORD_MESSAGE_CONTENT: 'on' }).discord;
    if (config === undefined) throw new Error();
    const answers: Record<string, unknown> = {
      '/users/@me': { username: 'latchkey' },
      '/applications/@me': { flags: 0, interactions_endpoint_url: 'https://example.org/x' },
      '/gateway/bot': { shards: 2, session_start_limit: { total: 1000, remaining: 3 } },
      '/users/@me/guilds': [
        { id: '1', permissions: String(1n << 3n) },
        { id: '2', permissions: String((1n << 10n) | (1n << 11n)) },
      ],
    };
    const found = await checkDiscord(config, {
      clocks: [],
      get: async (url) => ({ status: 200, body: answers[url.split('/v10')[1] ?? ''] }),
    });
    const state = (what: string) => found.find((finding) => finding.what === what);
    expect(state('discord intents')?.state).toBe('wrong');
    expect(state('discord commands')?.state).toBe('wrong');
    expect(state('discord starts')?.says).toBe(
      '3 of 1000 starts are left today, for 2 connections.',
    );
    expect(state('discord rights')?.says).toContain(
      'lacks rights in 1: 2 (Attach Files, Read Message History, Send Messages in Threads).',
    );
  });

  test('a webhook that Telegram can not reach is wrong', async () => {
    const { telegram } = parseConfig({
      ...world.env,
      TELEGRAM_WEBHOOK_URL: 'http://127.0.0.1:1/hook',
      TELEGRAM_WEBHOOK_SECRET: 'hunter2-hunter2',
    });
    if (telegram === undefined) throw new Error();
    const hook = (more: object) => ({
      clocks: [],
      get: async (url: string) => ({
        status: 200,
        body: url.endsWith('/getMe')
          ? { result: { username: 'x_bot' } }
          : { result: { url: 'http://127.0.0.1:1/hook', pending_update_count: 7, ...more } },
      }),
    });
    const failing = {
      last_error_date: Date.now() / 1000,
      last_error_message: 'Wrong response: 502',
    };
    const intake = async (more: object) =>
      (await checkTelegram(telegram, hook(more))).find(({ what }) => what === 'telegram intake');
    expect(await intake({})).toMatchObject({ state: 'ok' });
    expect(await intake(failing)).toMatchObject({
      state: 'wrong',
      says: expect.stringContaining('Wrong response: 502'),
    });
    expect(await intake({ url: '' })).toMatchObject({ state: 'warning' });
  });

  test('a clock that is off is told by the one in the middle of those that answered', async () => {
    const clock = (...ahead: number[]) =>
      checkClock(ahead.map((aheadMs) => ({ host: 'h', aheadMs })))[0];
    expect(clock()).toBeUndefined();
    expect(clock(400, -300, 500)?.state).toBe('ok');
    expect(clock(900_000, 100, -200)?.state).toBe('ok');
    expect(clock(-7_000, -7_100)).toMatchObject({
      state: 'warning',
      says: 'This clock is 7 s behind that of h.',
    });
    expect(clock(3_600_000)?.state).toBe('wrong');
    const asking = createAsking();
    await asking.get(`${world.openai.url}/models`);
    expect(Math.abs(asking.clocks[0]?.aheadMs ?? Number.NaN)).toBeLessThan(2_000);
  });
});

describe('stats', () => {
  test('counts turns by day, funding and model, users, mailboxes and the house’s money', async () => {
    const { code, out } = await admin(['stats']);
    expect(code).toBe(0);
    expect(out).toMatch(/^DAY \(UTC\) +PAID BY +MODEL +TURNS/m);
    expect(out).toMatch(/^\d{4}-\d\d-\d\d +house +openai\/gpt-5\.4-mini +1 +0 +1 /m);
    expect(out).toContain('Users: 1, of whom 0 have a key of their own; 1 asked something');
    expect(out).toMatch(/Mailboxes: 0 turns wait, 0 run/);
    expect(out).toMatch(
      /The house today \(UTC\): \$0\.0\d+ spent, \$0\.00 reserved, \$4\.9\d* of \$5\.00 left/,
    );
  });

  test('as JSON, for as many days as asked', async () => {
    const { out } = await admin(['stats', '--json', '--days', '30']);
    expect(JSON.parse(out)).toMatchObject({
      days: [{ funding: 'house', model: 'openai/gpt-5.4-mini', turns: 1, users: 1, failed: 0 }],
      users: { all: 1, withKeys: 0, active: 1 },
      mailbox: { queued: 0, running: 0 },
      house: { limitMicros: 5_000_000 },
    });
    expect((await admin(['stats', '--days', 'many'])).code).not.toBe(0);
  });
});
