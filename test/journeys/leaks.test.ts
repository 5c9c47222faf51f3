/**
 * After a whole journey, with every provider failing and everything logged, API keys and people's
 * words are found nowhere: not in the database, not in Redis, the log, the metrics or what the bot
 * said.
 */

import type { Chat, User } from 'grammy/types';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Behaviour, Failure } from '../fakes/behaviour.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors, madeKey, takenIn, textOf } from '../support/people.ts';
import { createTestRedis, hasRedis, type TestRedis } from '../support/redis.ts';
import { dumpDatabase, dumpRedis, formsOf } from '../support/traces.ts';

const FAILURES: readonly Failure[] = [
  'no-permission',
  'no-credit',
  'rate-limited',
  'overloaded',
  'server-error',
  'context-too-long',
  'policy',
  'model-gone',
  'bad-request',
  'html',
];

/** How an answer breaks off in the middle. */
const BROKEN = {
  breaking: { breakAfter: 1 },
  truncated: { truncateAfter: 1 },
  garbage: { garbageAfter: 1 },
  erring: { errorAfter: { chunks: 1, error: 'overloaded' } },
} as const satisfies Record<string, Behaviour>;

/** What people and models say here; none of it may stand anywhere in clear. */
const WORDS = ['xylophonist', 'quokkaname', 'zirconfile', 'mugwumptitle', 'answerwombat'] as const;

describe.each(hasRedis() ? ['PostgreSQL', 'Redis'] : ['PostgreSQL'])(
  'with BullMQ on %s',
  (queue) => {
    let world: World;
    let redis: TestRedis | undefined;
    /** Every command that Redis was sent. */
    const redisTraffic: string[] = [];
    let client: Redis | undefined;
    let monitor: Redis | undefined;
    let places: ReadonlyMap<string, string>;
    const keys: string[] = [];

    beforeAll(async () => {
      // More than ten of one person wait at once.
      world = await createWorld({ env: { MAILBOX_LIMIT: '30', MODERATION: 'on' } });
      if (queue === 'Redis') {
        redis = await createTestRedis();
        // `monitor()` is a second connection.
        client = new Redis(redis.url);
        monitor = await client.monitor();
        monitor.on('monitor', (_time: string, args: string[]) => redisTraffic.push(args.join(' ')));
      }
      const app = await world.start({
        LOG_LEVEL: 'trace',
        ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
      });
      await journey();
      const web = `http://127.0.0.1:${app.httpPort}`;
      const pages = await Promise.all(
        ['/metrics', '/health', '/livez', '/readyz', '/'].map(async (path) => {
          const response = await fetch(web + path);
          return `${[...response.headers].join('\n')}\n${await response.text()}`;
        }),
      );
      places = new Map([
        ['the database', await dumpDatabase(world.database.db)],
        ['the log', world.logged.join('\n')],
        ['what the bot sent', JSON.stringify(world.telegram.calls)],
        ['the web pages', pages.join('\n')],
        ['what providers were asked', JSON.stringify(bodies())],
        [
          'Redis',
          [...redisTraffic, ...(redis === undefined ? [] : [await dumpRedis(redis)])].join('\n'),
        ],
      ]);
    }, 60_000);
    afterAll(async () => {
      await world.close();
      monitor?.disconnect();
      client?.disconnect();
      await redis?.close();
    });

    const bodies = () =>
      [...world.openai.requests, ...world.anthropic.requests].map(({ path, body }) => ({
        path,
        body,
      }));
    const canary = (key: string) => {
      keys.push(key);
      return key;
    };

    async function journey(): Promise<void> {
      keys.push(world.openai.apiKey, world.telegram.token);
      await Promise.all([
        ownKey(() => world.openai.keys.add('valid', canary(madeKey())), 'OpenAI'),
        ownKey(
          () =>
            world.anthropic.keys.add(
              'valid',
              canary(`${madeKey('sk', 'ant', 'api03')}${'_'.repeat(50)}${madeKey('x')}`),
            ),
          'Anthropic',
        ),
        refused(),
        pasted(),
        inGroup(),
      ]);
    }

    function someone(): { user: User; chat: Chat; say: (text: string) => void } {
      const user = world.telegram.addUser({ first_name: 'Quokkaname' });
      const chat = world.telegram.privateChat(user);
      return { user, chat, say: (text) => void world.telegram.say(chat, user, text) };
    }

    /** Sets a key and uses it with each failure, to the one that ends it. */
    async function ownKey(make: () => string, provider: string): Promise<void> {
      const { chat, say } = someone();
      const key = make();
      say(`/setkey ${key}`);
      await botSays(world, chat, new RegExp(`Saved: your ${provider}`));
      const simulator = provider === 'OpenAI' ? world.openai : world.anthropic;
      simulator.script((question) => {
        const fail = FAILURES.find((failure) => question.includes(`xylophonist ${failure}.`));
        const [, broken] =
          Object.entries(BROKEN).find(([way]) => question.includes(`xylophonist ${way}.`)) ?? [];
        return fail === undefined
          ? { text: 'the answerwombat', ...broken }
          : { fail, ...(fail === 'overloaded' ? {} : { retryAfter: 0 }) };
      });
      say('xylophonist, please');
      await botSays(world, chat, /answerwombat/);
      for (const failure of FAILURES) say(`xylophonist ${failure}.`);
      for (const way of Object.keys(BROKEN)) say(`xylophonist ${way}.`);
      say('/keys');
      await world.telegram.waitFor(
        () =>
          simulator.requests.some((r) =>
            JSON.stringify(r.body ?? '').includes('xylophonist erring.'),
          ),
        { timeoutMs: 30_000 },
      );
      simulator.keys.set(key, 'revoked');
      say('the last xylophonist');
      await botSays(world, chat, /refuses your key/, { timeoutMs: 40_000 });
    }

    async function refused(): Promise<void> {
      const { user, chat, say } = someone();
      say(`/setkey ${canary(madeKey())}`);
      await botSays(world, chat, /does not accept/);
      say(`/setkey ${canary(madeKey('sk', 'admin'))}`);
      await botSays(world, chat, /administrator/);
      world.telegram.fail({
        method: 'deleteMessage',
        status: 400,
        when: ({ chat_id }) => String(chat_id) === String(user.id),
      });
      const limited = world.openai.keys.add('limited', canary(madeKey()));
      say(`/setkey ${limited}`);
      await botSays(world, chat, /could not delete/);
    }

    async function pasted(): Promise<void> {
      const { user, chat, say } = someone();
      say(`look: ${canary(madeKey())}`);
      const offer = await botSays(world, chat, /Shall I use it/);
      world.telegram.press(offer, 'Use this key', user);
      await botSays(world, chat, /does not accept/);
      say(`and this: ${canary(madeKey())}`);
      await world.telegram.waitFor(
        () => botMessages(world, chat).filter((m) => /Shall I use it/.test(textOf(m))).length > 0,
      );
    }

    async function inGroup(): Promise<void> {
      const { user } = someone();
      const chat = world.telegram.group({
        title: 'Mugwumptitle',
        members: [user],
        botIsAdmin: true,
      });
      world.telegram.say(chat, user, `/setkey ${canary(madeKey())}`);
      world.telegram.say(chat, user, `it is ${canary(madeKey())}`);
      const talk = world.telegram.say(chat, user, 'xylophonist talk among people');
      world.telegram.edit(talk, `changed ${canary(madeKey())}`);
      world.telegram.say(chat, user, canary(madeKey()), {
        forward_origin: {
          type: 'hidden_user',
          sender_user_name: 'Quokkaname',
          date: 1_700_000_000,
        },
      });
      world.telegram.sendDocument(chat, user, {
        name: 'zirconfile.env',
        mime: 'text/plain',
        bytes: Buffer.from(`KEY=${canary(madeKey())}`),
        caption: `@${world.telegram.bot.username} xylophonist?`,
      });
      await botSays(world, chat, /file here holds an API key/, { as: user });
      world.telegram.sendDocument(chat, user, {
        name: 'zirconfile.txt',
        mime: 'text/plain',
        bytes: Buffer.from('xylophonist in a file'),
        caption: `@${world.telegram.bot.username} and this?`,
      });
      await botSays(world, chat, /answerwombat/, { timeoutMs: 20_000 });
      await takenIn(world);
    }

    test.each(['the database', 'the log', 'what the bot sent', 'the web pages', 'Redis'])(
      'no key is found in %s, in whatever form',
      (place) => {
        const text = (places.get(place) ?? '').toLowerCase();
        if (place !== 'Redis' || redis !== undefined) expect(text.length).toBeGreaterThan(100);
        for (const [at, key] of keys.entries()) {
          for (const [form, needle] of formsOf(key)) {
            const found = text.indexOf(needle.toLowerCase());
            const around = found < 0 ? '' : text.slice(Math.max(0, found - 80), found + 20);
            expect(found, `key ${at} as ${form}, after ${around}`).toBe(-1);
          }
        }
      },
    );

    test('no key stands in what a provider was asked, but in the header for its own', () => {
      const asked = places.get('what providers were asked') ?? '';
      for (const key of keys) expect(asked.includes(key)).toBe(false);
      const used = world.openai.requests.filter((r) => r.path.includes('completions'));
      expect(used.some((r) => r.headers.authorization === `Bearer ${keys[2]}`)).toBe(true);
      for (const [simulator, isOurs] of [
        [world.openai, (key: string) => !key.includes('api03')],
        [world.anthropic, (key: string) => key.includes('api03')],
      ] as const) {
        for (const { headers, path: asked } of simulator.requests) {
          for (const key of keys.filter((k) => !isOurs(k) || k === world.telegram.token)) {
            expect(JSON.stringify(headers) + asked).not.toContain(key);
          }
        }
      }
    });

    test('nobody’s words stand in clear in the database, the queue, the log or the web pages', () => {
      for (const place of ['the database', 'the log', 'the web pages', 'Redis']) {
        const text = (places.get(place) ?? '').toLowerCase();
        for (const word of WORDS) {
          for (const [form, needle] of formsOf(word).filter(([form]) => form !== 'tail')) {
            expect(text.includes(needle.toLowerCase()), `${word} as ${form} in ${place}`).toBe(
              false,
            );
          }
        }
      }
    });

    test('the search finds what is there', () => {
      const [key = ''] = keys;
      for (const [form, needle] of formsOf(key)) {
        const hidden = {
          raw: `x${key}x`,
          tail: `…${key.slice(-8)}`,
          hex: Buffer.from(`{"k":"${key}"}`).toString('hex'),
          'URL-encoded': encodeURIComponent(`k=${key}`),
          'base64 at 0': Buffer.from(`abc${key}de`).toString('base64'),
          'base64 at 1': Buffer.from(`abcd${key}de`).toString('base64'),
          'base64 at 2': Buffer.from(`abcde${key}de`).toString('base64'),
        }[form];
        expect(hidden, form).toContain(needle);
      }
      const database = places.get('the database') ?? '';
      expect(database.includes('public.pasted_keys')).toBe(true);
      if (redis === undefined) expect(/^bullmq/m.test(database)).toBe(true);
    });

    test('none of this was an error of ours', () => {
      expect(loggedErrors(world)).toEqual([]);
    });
  },
);
