import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { parseConfig, readEnvironment, SECRET_NAMES, SETTING_NAMES } from '../src/config.ts';
import { parseRedisAddress } from '../src/queue/redis-address.ts';
import { withSecretFiles } from '../src/secret-files.ts';
import { StartError } from '../src/start-error.ts';

const TOKEN = `123456:${'A'.repeat(35)}`;
const DISCORD_TOKEN = ['MTA'.repeat(8), 'AbCdEf', 'x'.repeat(38)].join('.');
const SECRET = 'hunter2-hunter2';

function refusal(env: Record<string, string>): string {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return '';
}

describe('with nothing set', () => {
  const config = parseConfig({});

  test('the chat is in the terminal and the offline provider answers', () => {
    expect(config.telegram).toBeUndefined();
    expect(config.discord).toBeUndefined();
    expect(config.house).toEqual({ provider: 'offline' });
  });

  test('everything is stored under ./data', () => {
    expect(config.database).toEqual({ kind: 'embedded', dataDir: resolve('data') });
    expect(config.queue).toEqual({ kind: 'postgres' });
    expect(config.keyRingFile).toBe(resolve('data/key-ring.json'));
  });

  test('the numbers are those of the README', () => {
    expect(config.allowance).toEqual({
      dailyTurns: 20,
      dailyMicros: 100_000,
      houseDailyMicros: 5_000_000,
    });
    expect(config).toMatchObject({ historyDays: 30, workerConcurrency: 32, mailboxLimit: 10 });
    expect(config.http).toEqual({ port: 8080, isPortFixed: false, publicUrl: undefined });
  });
});

test('empty and blank values count as unset', () => {
  const env = Object.fromEntries(SETTING_NAMES.map((name) => [name, name.length % 2 ? '' : '  ']));
  expect(parseConfig(env)).toEqual(parseConfig({}));
});

test('a token turns Telegram on by long polling', () => {
  const { telegram } = parseConfig({ TELEGRAM_BOT_TOKEN: TOKEN });
  expect(telegram).toMatchObject({ mode: 'polling', apiRoot: 'https://api.telegram.org' });
  expect(telegram?.token.reveal()).toBe(TOKEN);
});

test('a token turns Discord on, without the Message Content intent', () => {
  const { discord } = parseConfig({ DISCORD_BOT_TOKEN: DISCORD_TOKEN });
  expect(discord).toMatchObject({ apiRoot: 'https://discord.com/api', messageContent: false });
  expect(discord?.token.reveal()).toBe(DISCORD_TOKEN);
  const on = parseConfig({ DISCORD_BOT_TOKEN: DISCORD_TOKEN, DISCORD_MESSAGE_CONTENT: 'on' });
  expect(on.discord?.messageContent).toBe(true);
});

test('a webhook needs its address and its secret', () => {
  const url = 'https://bot.example.org/hook';
  const both = { TELEGRAM_WEBHOOK_URL: url, TELEGRAM_WEBHOOK_SECRET: SECRET };
  expect(parseConfig({ TELEGRAM_BOT_TOKEN: TOKEN, ...both }).telegram).toMatchObject({
    mode: 'webhook',
    url,
  });
  const alone = { TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_WEBHOOK_URL: url };
  expect(refusal(alone)).toContain('TELEGRAM_WEBHOOK_SECRET');
  const secretAlone = { TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_WEBHOOK_SECRET: SECRET };
  expect(refusal(secretAlone)).toMatch(/SECRET is set without TELEGRAM_WEBHOOK_URL/);
});

test('a webhook by plain http is for other Bot API servers only', () => {
  const env = {
    TELEGRAM_BOT_TOKEN: TOKEN,
    TELEGRAM_WEBHOOK_URL: 'http://127.0.0.1:1/hook',
    TELEGRAM_WEBHOOK_SECRET: SECRET,
  };
  expect(refusal(env)).toContain('https://');
  expect(refusal({ ...env, TELEGRAM_API_ROOT: 'http://127.0.0.1:2' })).toBe('');
});

describe('the house model', () => {
  const openai = { OPENAI_API_KEY: SECRET };
  const anthropic = { ANTHROPIC_API_KEY: SECRET };

  test('follows the key, OpenAI first', () => {
    expect(parseConfig(openai).house).toMatchObject({ model: 'gpt-5.4-mini' });
    expect(parseConfig(anthropic).house).toMatchObject({ model: 'claude-haiku-4-5' });
    expect(parseConfig({ ...openai, ...anthropic }).house).toMatchObject({ provider: 'openai' });
  });

  test('is what HOUSE_MODEL names, slashes and all', () => {
    const env = { ...openai, ...anthropic, HOUSE_MODEL: 'anthropic/some/model' };
    expect(parseConfig(env).house).toMatchObject({ provider: 'anthropic', model: 'some/model' });
  });

  test('needs the key of its provider', () => {
    expect(refusal({ ...openai, HOUSE_MODEL: 'anthropic/x' })).toContain('ANTHROPIC_API_KEY');
    expect(refusal({ HOUSE_MODEL: 'openai/x' })).toContain('OPENAI_API_KEY');
  });
});

test('dollars become micro-dollars exactly', () => {
  const micros = (text: string) => parseConfig({ FREE_DAILY_USD: text }).allowance.dailyMicros;
  expect(micros('0.10')).toBe(100_000);
  expect(micros('0.000001')).toBe(1);
  expect(micros('1.1')).toBe(1_100_000);
  expect(micros('0')).toBe(0);
});

test('a role of its own needs a database that others can reach, and a platform', () => {
  const DATABASE_URL = 'postgres://u:p@db/latchkey';
  expect(refusal({ ROLE: 'worker', TELEGRAM_BOT_TOKEN: TOKEN })).toContain('DATABASE_URL');
  expect(refusal({ ROLE: 'bot', DATABASE_URL })).toContain('TELEGRAM_BOT_TOKEN');
  expect(refusal({ ROLE: 'bot', DATABASE_URL, TELEGRAM_BOT_TOKEN: TOKEN })).toBe('');
  expect(refusal({ ROLE: 'worker', DATABASE_URL, DISCORD_BOT_TOKEN: DISCORD_TOKEN })).toBe('');
});

test('operators are listed by platform', () => {
  expect(parseConfig({ OPERATOR_IDS: 'telegram:12, discord:34' }).operators).toEqual([
    { platform: 'telegram', platformUserId: '12' },
    { platform: 'discord', platformUserId: '34' },
  ]);
});

describe('moderation', () => {
  const moderation = (env: Record<string, string>) => {
    const { mode, key } = parseConfig(env).moderation;
    return [mode, key?.of, key?.apiKey.reveal()];
  };

  test('is on where a key for it exists, and off where none does', () => {
    expect(moderation({})).toEqual(['off', undefined, undefined]);
    expect(moderation({ ANTHROPIC_API_KEY: SECRET })).toEqual(['off', undefined, undefined]);
    expect(moderation({ OPENAI_API_KEY: SECRET })).toEqual(['on', 'house', SECRET]);
    expect(moderation({ ANTHROPIC_API_KEY: SECRET, MODERATION_API_KEY: `${SECRET}2` })).toEqual([
      'on',
      'moderation',
      `${SECRET}2`,
    ]);
    expect(moderation({ OPENAI_API_KEY: SECRET, MODERATION: 'off' })[0]).toBe('off');
    expect(moderation({ MODERATION: 'required' })).toEqual(['required', undefined, undefined]);
  });

  test('takes a key for another host than OpenAI’s for one only where it is asked for', () => {
    const elsewhere = { OPENAI_API_KEY: SECRET, OPENAI_BASE_URL: 'https://llm.example.org/v1' };
    expect(moderation(elsewhere)).toEqual(['off', undefined, undefined]);
    expect(moderation({ ...elsewhere, MODERATION: 'on' })).toEqual(['on', 'house', SECRET]);
  });
});

const WRONG: Record<string, string[]> = {
  TELEGRAM_API_ROOT: ['api.telegram.org', 'ftp://x'],
  DISCORD_API_ROOT: ['discord.com/api'],
  DISCORD_MESSAGE_CONTENT: ['yes', 'true'],
  OPENAI_BASE_URL: ['nonsense'],
  HOUSE_MODEL: ['gpt-5.4-mini', 'groq/x', 'openai/'],
  FREE_DAILY_MESSAGES: ['-1', 'many', '1.5', '1e3', '0x10'],
  FREE_DAILY_USD: ['$1', '1,50', '-1', 'NaN', 'Infinity', '0.0000001'],
  HISTORY_DAYS: ['0', '-3'],
  MODERATION: ['yes', 'ON'],
  MODERATION_DAYS: ['0', 'week'],
  ROLE: ['master', 'ALL'],
  WORKER_CONCURRENCY: ['0'],
  MAILBOX_LIMIT: ['0', '9999999999'],
  HTTP_PORT: ['65536', 'http'],
  OPERATOR_IDS: ['12', 'telegram:me', 'telegram:1;discord:2', 'matrix:1'],
  LOG_LEVEL: ['verbose'],
};

for (const [name, values] of Object.entries(WRONG)) {
  test(`a wrong ${name} is refused with its name, what it got and what it takes`, () => {
    for (const value of values) {
      const sentence = refusal({ [name]: value });
      expect(sentence).toContain(`${name} is ${JSON.stringify(value)}; it takes `);
      expect(sentence.split('\n')).toHaveLength(1);
    }
  });
}

test('a wrong secret is refused without being repeated', () => {
  const wrong = {
    TELEGRAM_BOT_TOKEN: `${SECRET} x`,
    TELEGRAM_WEBHOOK_SECRET: `${SECRET} x`,
    DISCORD_BOT_TOKEN: `${SECRET} x`,
    OPENAI_API_KEY: `${SECRET} x`,
    ANTHROPIC_API_KEY: `${SECRET} x`,
    MODERATION_API_KEY: `${SECRET} x`,
    DATABASE_URL: `mysql://u:${SECRET}@h/x`,
    REDIS_URL: `http://u:${SECRET}@h/x`,
  };
  const sentence = refusal(wrong);
  for (const name of Object.keys(wrong)) expect(sentence).toContain(`- ${name} `);
  expect(sentence).not.toContain(SECRET);
});

test('a configuration that is printed shows no secret', () => {
  const config = parseConfig({
    TELEGRAM_BOT_TOKEN: TOKEN,
    DISCORD_BOT_TOKEN: DISCORD_TOKEN,
    OPENAI_API_KEY: SECRET,
    DATABASE_URL: `postgres://u:${SECRET}@h/x`,
    REDIS_URL: `redis://u:${SECRET}@h`,
  });
  const printed = inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config);
  expect(printed).not.toContain(SECRET);
  expect(printed).not.toContain(TOKEN);
  expect(printed).not.toContain(DISCORD_TOKEN);
});

describe('secrets in files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'));
  const file = join(directory, 'secret');
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const read = (env: Record<string, string>) => withSecretFiles(env, SECRET_NAMES);

  test('stand where the secret itself would, without the line end of the file', () => {
    writeFileSync(file, `redis://:${SECRET}@redis:6379\n`);
    const env = read({ REDIS_URL_FILE: file, DATABASE_URL: 'postgres://db/x' });
    expect(env).toMatchObject({ REDIS_URL: `redis://:${SECRET}@redis:6379` });
    expect(parseConfig(env).queue.kind).toBe('redis');
  });

  test('can be every setting whose value is never shown, and no other', () => {
    writeFileSync(file, 'x');
    for (const name of SECRET_NAMES) expect(read({ [`${name}_FILE`]: file })[name]).toBe('x');
    expect(read({ ROLE_FILE: file }).ROLE).toBeUndefined();
    expect(SETTING_NAMES).toEqual(expect.arrayContaining([...SECRET_NAMES]));
  });

  test.each([
    [
      'is set twice',
      { VAULT_TOKEN_FILE: file, VAULT_TOKEN: 'y' },
      /VAULT_TOKEN and VAULT_TOKEN_FILE/,
    ],
    ['is missing', { VAULT_TOKEN_FILE: '/nowhere/at/all' }, /VAULT_TOKEN_FILE.*does not exist/],
    ['is a folder', { VAULT_TOKEN_FILE: directory }, /can't be read \(EISDIR\)/],
  ])('a secret that %s keeps it from starting, with a sentence', (_what, env, sentence) => {
    expect(() => read(env)).toThrow(sentence);
    expect(() => read(env)).toThrow(StartError);
  });

  test('an empty file is refused: it is a secret that was not made', () => {
    writeFileSync(file, ' \n');
    expect(() => read({ OPENAI_API_KEY_FILE: file })).toThrow(/OPENAI_API_KEY_FILE is .* empty/);
  });
});

describe('the address of Redis', () => {
  const login = { username: undefined, password: undefined };

  test.each([
    [
      'redis://h',
      { kind: 'server', tls: false, database: 0, ...login, nodes: [{ host: 'h', port: 6379 }] },
    ],
    [
      'rediss://me:p%40ss@h:1/2',
      {
        kind: 'server',
        tls: true,
        database: 2,
        username: 'me',
        password: 'p@ss',
        nodes: [{ host: 'h', port: 1 }],
      },
    ],
    [
      'redis+cluster://:pw@a:7000,b:7001',
      {
        kind: 'cluster',
        tls: false,
        username: undefined,
        password: 'pw',
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
      },
    ],
    [
      'rediss+sentinel://a,[::1]:5/the-master',
      {
        kind: 'sentinel',
        tls: true,
        ...login,
        name: 'the-master',
        nodes: [
          { host: 'a', port: 26379 },
          { host: '::1', port: 5 },
        ],
      },
    ],
  ])('%s is read', (text, address) => {
    expect(parseRedisAddress(text)).toEqual(address);
  });

  test.each([
    'http://h',
    'redis://',
    'redis://a,b',
    'redis://h:0',
    'redis://h/x',
    'redis+cluster://h/1',
    'redis+sentinel://h',
    'redis+other://h',
    'redis://%zz@h',
    'redis://h:70000',
  ])('%s is none', (text) => {
    expect(parseRedisAddress(text)).toBeUndefined();
  });
});

describe('the file .env', () => {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-env-'));
  afterEach(() => rmSync(join(directory, '.env'), { recursive: true, force: true }));

  test('is read from the working directory, and the environment wins', () => {
    writeFileSync(join(directory, '.env'), 'LATCHKEY_TEST=from the file\nPATH=nowhere\n');
    const env = readEnvironment(directory);
    expect(env.LATCHKEY_TEST).toBe('from the file');
    expect(env.PATH).not.toBe('nowhere');
    rmSync(directory, { recursive: true });
  });

  test('may be missing', () => {
    expect(readEnvironment(join(directory, 'nowhere')).LATCHKEY_TEST).toBeUndefined();
  });

  test('has an example that names every setting and sets none', () => {
    const example = readFileSync('.env.example', 'utf8');
    const names = [...example.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => {
      expect(value).toBe('');
      return name;
    });
    expect(names.toSorted()).toEqual([...SETTING_NAMES].sort());
  });
});
