/** What the doctor says of each thing that can be wrong: with what it finds put in its hands. */

import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sayFacts } from '../../src/admin/doctor/database.ts';
import { checkDiscord } from '../../src/admin/doctor/discord.ts';
import { checkDisk, checkKeyRingFile } from '../../src/admin/doctor/files.ts';
import type { Finding } from '../../src/admin/doctor/finding.ts';
import { checkHouse } from '../../src/admin/doctor/house.ts';
import { checkRedis, sayRedis } from '../../src/admin/doctor/redis.ts';
import { checkTelegram } from '../../src/admin/doctor/telegram.ts';
import { type Config, parseConfig } from '../../src/config.ts';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { Secret } from '../../src/secret.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const TOKEN = `123456:${'A'.repeat(35)}`;
const DISCORD_TOKEN = ['MTA'.repeat(8), 'AbCdEf', 'x'.repeat(38)].join('.');

let folder: string;
let openai: OpenAiSimulator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-findings-'));
  openai = await startOpenAiSimulator();
});
afterAll(async () => {
  await openai.close();
  await rm(folder, { recursive: true, force: true });
});

const settings = (more: Readonly<Record<string, string>> = {}): Config =>
  parseConfig({
    TELEGRAM_BOT_TOKEN: TOKEN,
    DISCORD_BOT_TOKEN: DISCORD_TOKEN,
    DATABASE_URL: 'postgres://127.0.0.1:1/x',
    OPENAI_API_KEY: openai.apiKey,
    OPENAI_BASE_URL: openai.url,
    DATA_DIR: folder,
    ...more,
  });

/** As `wrong`, with how to mend it. */
function expectFinding(
  found: readonly Finding[],
  what: string,
  state: Finding['state'],
  says: RegExp,
  mend?: RegExp,
): void {
  const finding = found.find((each) => each.what === what && says.test(each.says));
  expect(finding, JSON.stringify(found)).toMatchObject({ state });
  if (mend !== undefined) expect(finding?.mend).toMatch(mend);
}

describe('telegram', () => {
  const { telegram } = parseConfig({ TELEGRAM_BOT_TOKEN: TOKEN });
  if (telegram === undefined) throw new Error('no Telegram');
  const me = { username: 'x_bot', can_join_groups: true, can_read_all_group_messages: false };
  const hook = { url: '', pending_update_count: 0 };
  const look = (status: number, more: { me?: object; hook?: object } = {}) =>
    checkTelegram(telegram, {
      clocks: [],
      get: async (url) => ({
        status,
        body: {
          result: url.endsWith('/getMe') ? { ...me, ...more.me } : { ...hook, ...more.hook },
        },
      }),
    });

  test('a refused token, an answer of something else, and none', async () => {
    expectFinding(await look(401), 'telegram token', 'wrong', /refuses/, /@BotFather/);
    const other = { clocks: [], get: async () => ({ status: 502, body: undefined }) };
    const none = { clocks: [], get: async () => ({ status: 0, body: undefined }) };
    const mend = /network.*TELEGRAM_API_ROOT/;
    expectFinding(
      await checkTelegram(telegram, other),
      'telegram token',
      'wrong',
      /HTTP 502/,
      mend,
    );
    expectFinding(
      await checkTelegram(telegram, none),
      'telegram token',
      'wrong',
      /no.*answer/,
      mend,
    );
  });

  test('a bot that may join no groups', async () => {
    const found = await look(200, { me: { can_join_groups: false } });
    expectFinding(found, 'telegram groups', 'warning', /can not be added/, /setjoingroups/);
  });

  test('a webhook in the way of long polling, and updates that wait', async () => {
    const foreign = await look(200, { hook: { url: 'https://example.org/x' } });
    expectFinding(foreign, 'telegram intake', 'warning', /A webhook is set/, /removes the webhook/);
    const behind = await look(200, { hook: { pending_update_count: 500 } });
    expectFinding(behind, 'telegram intake', 'warning', /500 updates wait/, /a bot runs/);
  });
});

describe('discord', () => {
  const { discord } = parseConfig({ DISCORD_BOT_TOKEN: DISCORD_TOKEN });
  if (discord === undefined) throw new Error('no Discord');
  const all = String((1n << 10n) | (1n << 11n) | (1n << 15n) | (1n << 16n) | (1n << 38n));

  test('a refused token, and no answer', async () => {
    for (const [status, says, mend] of [
      [401, /refuses/, /Reset Token/],
      [0, /does not answer/, /DISCORD_API_ROOT/],
    ] as const) {
      const get = async () => ({ status, body: undefined });
      const found = await checkDiscord(discord, { clocks: [], get });
      expectFinding(found, 'discord token', 'wrong', says, mend);
    }
  });

  test('too few starts for its connections, and a right that is missing beyond the first 200 servers', async () => {
    const servers = Array.from({ length: 250 }, (_, i) => ({
      id: String(1_000 + i),
      permissions: i === 230 ? '0' : all,
    }));
    const answer = (url: URL): unknown => {
      switch (url.pathname.split('/v10')[1]) {
        case '/users/@me':
          return { username: 'latchkey' };
        case '/applications/@me':
          return { flags: 0 };
        case '/gateway/bot':
          return { shards: 16, session_start_limit: { total: 1_000, remaining: 60 } };
        default: {
          const after = Number(url.searchParams.get('after') ?? 0);
          return servers.filter(({ id }) => Number(id) > after).slice(0, 200);
        }
      }
    };
    const get = async (url: string) => ({ status: 200, body: answer(new URL(url)) });
    const found = await checkDiscord(discord, { clocks: [], get });
    expectFinding(found, 'discord starts', 'warning', /60 of 1000.*16 connections/, /its log/);
    expectFinding(found, 'discord rights', 'warning', /in 250 servers.*in 1: 1230 \(/, /Roles/);
    expectFinding(found, 'discord intents', 'ok', /No privileged/);
  });
});

describe('the house key', () => {
  test('of none, refused, not to be asked about, and without its model', async () => {
    const look = (more: Readonly<Record<string, string>>) => checkHouse(settings(more));
    const none = await checkHouse(parseConfig({ TELEGRAM_BOT_TOKEN: TOKEN }));
    expectFinding(none, 'house key', 'warning', /No house key/, /OPENAI_API_KEY/);
    const refused = await look({ OPENAI_API_KEY: `sk-${'proj'}-${'z'.repeat(40)}` });
    expectFinding(refused, 'house key', 'wrong', /refuses OPENAI_API_KEY/, /new key/);
    const away = await look({ OPENAI_BASE_URL: `http://127.0.0.1:${await freePort()}/v1` });
    expectFinding(away, 'house key', 'wrong', /could not be asked/, /OPENAI_BASE_URL/);
    const other = await look({ HOUSE_MODEL: 'openai/gpt-4.1' });
    expectFinding(other, 'house key', 'warning', /does not list/, /HOUSE_MODEL/);
    expectFinding(await look({}), 'house key', 'ok', /accepts it/);
  }, 40_000);
});

describe('the database', () => {
  const facts: Parameters<typeof sayFacts>[1] = {
    version: 18,
    encrypted: true,
    mayCreate: true,
    connections: { used: 3, most: 100 },
    migrations: 'current',
    aheadMs: 0,
    bytes: 10e6,
  };
  const say = (more: Partial<typeof facts>, url = 'postgres://db.example.org/x') =>
    sayFacts({ database: { kind: 'url', url: new Secret(url) } }, { ...facts, ...more });

  test.each([
    ['database', 'wrong', /13 is too old/, /18/, { version: 13 }],
    ['database', 'warning', /PostgreSQL 16 answers/, /upgrade/, { version: 16 }],
    ['database rights', 'wrong', /no tables/, /grant create/, { mayCreate: false }],
    [
      'database connections',
      'warning',
      /90 of 100/,
      /max_connections/,
      { connections: { used: 90, most: 100 } },
    ],
    ['database encryption', 'warning', /not encrypted/, /verify-full/, { encrypted: false }],
    ['database tables', 'warning', /newer/, /Update/, { migrations: 'newer' }],
    ['database tables', 'warning', /older/, /next start/, { migrations: 'missing' }],
  ] as const)('%s: %s', (what, state, says, mend, more) => {
    expectFinding(say(more), what, state, says, mend);
  });

  test('nothing is said of encryption on the way to a neighbour', () => {
    for (const near of ['postgres://127.0.0.1/x', 'postgres://postgres:5432/x']) {
      expect(say({ encrypted: false }, near).map(({ what }) => what)).not.toContain(
        'database encryption',
      );
    }
  });
});

describe('redis', () => {
  const facts: Parameters<typeof sayRedis>[0] = {
    version: '8.0.1',
    maxmemoryPolicy: 'noeviction',
    appendOnly: true,
    maxmemory: 0,
    usedMemory: 1e6,
  };

  test.each([
    ['redis', 'wrong', /5\.0\.7 is too old/, /6\.2/, { version: '5.0.7' }],
    ['redis settings', 'warning', /does not tell/, /noeviction/, { maxmemoryPolicy: undefined }],
    ['redis eviction', 'wrong', /volatile-ttl/, /config set/, { maxmemoryPolicy: 'volatile-ttl' }],
    ['redis disk', 'warning', /forgets the newest/, /appendonly yes/, { appendOnly: false }],
    ['redis memory', 'warning', /90 %/, /maxmemory/, { maxmemory: 1e8, usedMemory: 9e7 }],
  ] as const)('%s: %s', (what, state, says, mend, more) => {
    expectFinding(sayRedis({ ...facts, ...more }), what, state, says, mend);
  });

  test('that nobody answers for', async () => {
    const found = await checkRedis(new Secret(`redis://127.0.0.1:${await freePort()}`));
    expectFinding(found, 'redis', 'wrong', /No Redis answers/, /TLS/);
  });
});

const disk = mountSmallDisk(1_024);

describe.skipIf(disk === undefined)('a disk', () => {
  if (disk === undefined) return;
  afterAll(() => disk.close());

  test('with little room is wrong, and one that can’t be written to', async () => {
    const config = settings({ DATA_DIR: join(disk.folder, 'data') });
    expectFinding(await checkDisk(config), 'disk', 'wrong', /0\.0 GB are free/, /Make room/);
    expect(spawnSync('mount', ['-o', 'remount,ro', disk.folder]).status).toBe(0);
    expectFinding(await checkDisk(config), 'disk', 'wrong', /may not write/, /chown/);
    const ring = await checkKeyRingFile(config);
    expectFinding(ring, 'key ring folder', 'wrong', /may not write/, /chown/);
  });
});

describe('the key ring file', () => {
  const look = (file: string) => checkKeyRingFile(settings({ KEY_RING_FILE: file }));

  test('that is missing, readable by others in any way, or a link to such a one', async () => {
    const file = join(folder, 'ring.json');
    expectFinding(await look(file), 'key ring file', 'warning', /There is no/, /copy of it/);
    await writeFile(file, '{}');
    for (const mode of [0o604, 0o640, 0o660, 0o601]) {
      await chmod(file, mode);
      expectFinding(await look(file), 'key ring file', 'wrong', /Other users/, /chmod 600/);
    }
    const link = join(folder, 'link.json');
    await symlink(file, link);
    expectFinding(await look(link), 'key ring file', 'wrong', /Other users/, /chmod 600/);
    await chmod(file, 0o600);
    expectFinding(await look(link), 'key ring file', 'ok', /Its owner alone/);
  });
});
