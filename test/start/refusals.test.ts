/** What keeps Latchkey from starting is said in one clear sentence, with exit code 1. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { installation } from '../../src/db/schema.ts';
import { type FakeDiscord, startFakeDiscord } from '../fakes/discord.ts';
import type { TelegramSimulator } from '../fakes/telegram/types.ts';
import { startTelegramSimulator } from '../fakes/telegram.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let directory: string;
let telegram: TelegramSimulator;
let discord: FakeDiscord;
let database: TestDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'latchkey-start-'));
  telegram = await startTelegramSimulator();
  discord = await startFakeDiscord();
  database = await createTestDatabase();
});
afterAll(async () => {
  await telegram.close();
  await discord.close();
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

function start(env: Record<string, string>): Promise<Ended> {
  const whole = {
    PATH: process.env.PATH ?? '',
    ...COMPILE_CACHE,
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_ROOT: telegram.url,
    DATABASE_URL: database.url.reveal(),
    DATA_DIR: directory,
    HTTP_PORT: '0',
    LOG_LEVEL: 'silent',
    ...env,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN],
      { env: whole, cwd: directory, timeout: 25_000 },
      (_error, _stdout, stderr) => resolve({ code: child.exitCode, said: stderr.trim() }),
    );
    child.stdin?.end();
  });
}

describe('the start is refused', () => {
  test.concurrent('with no platform and no terminal', async () => {
    const { code, said } = await start({ TELEGRAM_BOT_TOKEN: '' });
    expect(code).toBe(1);
    expect(said).toMatch(/Set TELEGRAM_BOT_TOKEN/);
    expect(said.split('\n').length).toBeLessThanOrEqual(2);
  });

  test.concurrent('with wrong settings, all of which are listed', async () => {
    const { code, said } = await start({ FREE_DAILY_USD: 'much', ROLE: 'boss' });
    expect(code).toBe(1);
    expect(said).toMatch(/FREE_DAILY_USD is "much"; it takes dollars/);
    expect(said).toMatch(/ROLE is "boss"; it takes all, bot or worker/);
  });

  test.concurrent('with addresses of another kind, and says how they look', async () => {
    const { code, said } = await start({ DATABASE_URL: 'mysql://x', REDIS_URL: 'http://x' });
    expect(code).toBe(1);
    // The log's net takes out what looks like a password in an address.
    expect(said).not.toContain('redacted');
    expect(said).toMatch(/DATABASE_URL.*postgres:\/\/.*host:port\/database/);
    expect(said).toMatch(/REDIS_URL.*redis:\/\/.*host:port/);
  });

  test.concurrent('with a token that Telegram does not know', async () => {
    const { code, said } = await start({ TELEGRAM_BOT_TOKEN: `123456:${'a'.repeat(35)}` });
    expect(code).toBe(1);
    expect(said).toMatch(/TELEGRAM_BOT_TOKEN/);
    expect(said).not.toContain('a'.repeat(35));
    expect(said.split('\n')).toHaveLength(1);
  });

  test.concurrent('with a token that Discord does not know', async () => {
    const wrong = ['MTA'.repeat(8), 'AbCdEf', 'x'.repeat(38)].join('.');
    const { code, said } = await start({
      TELEGRAM_BOT_TOKEN: '',
      DISCORD_BOT_TOKEN: wrong,
      DISCORD_API_ROOT: discord.apiRoot,
    });
    expect(code).toBe(1);
    expect(said).toMatch(/DISCORD_BOT_TOKEN/);
    expect(said).not.toContain(wrong);
    expect(said.split('\n')).toHaveLength(1);
  });

  test.concurrent('with an intent that is not switched on at Discord', async () => {
    const { code, said } = await start({
      TELEGRAM_BOT_TOKEN: '',
      DISCORD_BOT_TOKEN: discord.token,
      DISCORD_API_ROOT: discord.apiRoot,
      DISCORD_MESSAGE_CONTENT: 'on',
    });
    expect(code).toBe(1);
    expect(said).toMatch(/DISCORD_MESSAGE_CONTENT/);
    expect(said.split('\n')).toHaveLength(1);
  });

  test.concurrent('without its database', async () => {
    const port = await freePort();
    const { code, said } = await start({
      DATABASE_URL: `postgres://u:hidden-word@127.0.0.1:${port}/x`,
    });
    expect(code).toBe(1);
    expect(said).toMatch(new RegExp(`No PostgreSQL answers at 127.0.0.1:${port}`));
    expect(said).not.toContain('hidden-word');
    expect(said.split('\n')).toHaveLength(1);
  });

  test.concurrent('without its Redis', async () => {
    const { code, said } = await start({
      REDIS_URL: `redis://:hidden-word@127.0.0.1:${await freePort()}`,
    });
    expect(code).toBe(1);
    expect(said).toMatch(/Redis at REDIS_URL does not answer/);
    expect(said).not.toContain('hidden-word');
  });

  test.concurrent('with a Redis that takes connections and says nothing', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const address = mute.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const { code, said } = await start({ REDIS_URL: `redis://127.0.0.1:${port}` });
    mute.close();
    expect(code).toBe(1);
    expect(said).toMatch(/^Redis at REDIS_URL does not answer/);
    expect(said.split('\n')).toHaveLength(1);
  });

  describe('before a table is made', () => {
    let empty: TestDatabase;
    beforeAll(async () => {
      empty = await createEmptyDatabase();
    });
    afterAll(() => empty.close());

    async function refused(env: Record<string, string>): Promise<string> {
      const { code, said } = await start({ DATABASE_URL: empty.url.reveal(), ...env });
      expect(code).toBe(1);
      expect(said.split('\n')).toHaveLength(1);
      const made = await empty.db.execute(sql`select 1 from pg_namespace where nspname = 'drizzle'
        union all select 1 from pg_tables where schemaname = 'public'`);
      expect(made).toHaveLength(0);
      return said;
    }

    test('with a malformed key ring', async () => {
      const file = join(directory, 'broken-ring.json');
      await writeFile(file, '{"active": "k1", "keys": {}}', { mode: 0o600 });
      expect(await refused({ KEY_RING_FILE: file })).toContain(file);
    });

    test('with no place for the key ring', async () => {
      const file = join(directory, 'a-file');
      await writeFile(file, '');
      expect(await refused({ KEY_RING_FILE: join(file, 'ring.json') })).toContain(file);
    });

    test('as a worker without the key ring of the others', async () => {
      const file = join(directory, 'not-copied.json');
      expect(await refused({ KEY_RING_FILE: file, ROLE: 'worker' })).toMatch(/ is missing: set/);
    });

    test('with prices that are not there, be there a platform or not', async () => {
      const env = { PRICES_FILE: join(directory, 'no-prices.json') };
      expect(await refused(env)).toMatch(/^PRICES_FILE .* can't be read/);
      expect(await refused({ ...env, TELEGRAM_BOT_TOKEN: '' })).toMatch(/^PRICES_FILE /);
    });
  });

  for (const [what, path] of [
    ['is no folder', '/dev/null'],
    ['is below a file', '/dev/null/below'],
    ['takes no folder', '/proc/latchkey/data'],
    ['has too long a name', `/tmp/${'x'.repeat(300)}`],
  ] as const) {
    test.concurrent(`with a DATA_DIR that ${what}`, async () => {
      const { code, said } = await start({ DATABASE_URL: '', DATA_DIR: path });
      expect(code).toBe(1);
      expect(said.startsWith(`DATA_DIR ${path} `)).toBe(true);
      expect(said.split('\n')).toHaveLength(1);
    });
  }

  test.concurrent('with a house model whose price is unknown', async () => {
    const { code, said } = await start({
      OPENAI_API_KEY: ['sk', 'x'.repeat(30)].join('-'),
      HOUSE_MODEL: 'openai/nobody-knows-it',
    });
    expect(code).toBe(1);
    expect(said).toMatch(/HOUSE_MODEL is "openai\/nobody-knows-it", whose price is unknown/);
  });

  test('with another key ring than the one that the database was begun with', async () => {
    const begun = await createTestDatabase();
    await begun.db.insert(installation).values({ name: 'key-ring', value: 'another ring' });
    const { code, said } = await start({
      DATABASE_URL: begun.url.reveal(),
      KEY_RING_FILE: join(directory, 'fresh-ring.json'),
    });
    await begun.close();
    expect(code).toBe(1);
    expect(said).toMatch(/is not the one that this database was begun with/);
  });

  test('with a database that a newer Latchkey made', async () => {
    const newer = await createTestDatabase();
    await newer.db.execute(sql`
      insert into drizzle.__drizzle_migrations (hash, created_at) values ('of the future', 99999999999999)`);
    const { code, said } = await start({ DATABASE_URL: newer.url.reveal() });
    await newer.close();
    expect(code).toBe(1);
    expect(said).toMatch(/made by a newer Latchkey/);
  });
});
