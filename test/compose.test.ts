/** docker-compose.yml and the Dockerfile: what they promise, and that the same processes hold a conversation. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SECRET_NAMES, SETTING_NAMES } from '../src/config.ts';
import { sql } from '../src/db/drizzle.ts';
import { freePort } from '../src/db/embedded/free-port.ts';
import { COMPILE_CACHE } from './support/compile-cache.ts';
import { createEmptyDatabase } from './support/database.ts';
import { createWorld } from './support/latchkey.ts';
import { hasRedis } from './support/redis.ts';
import { waitFor } from './support/wait-for.ts';

const text = await readFile('docker-compose.yml', 'utf8');
const raw: unknown = parse(text, { merge: true });
const dockerfile = await readFile('Dockerfile', 'utf8');

const serviceSchema = z.looseObject({
  command: z.array(z.string()),
  user: z.string(),
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  deploy: z.looseObject({ replicas: z.number().default(1) }),
});
const compose = z
  .looseObject({
    services: z.object({
      postgres: serviceSchema,
      redis: serviceSchema.extend({ environment: z.record(z.string(), z.string()).default({}) }),
      bot: serviceSchema,
      worker: serviceSchema,
    }),
    secrets: z.record(z.string(), z.object({ file: z.string() })),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(raw);

/**
 * What of the Compose Specification this file uses, and no more: an unknown word, which Compose
 * would refuse or pass over, is refused here.
 */
const strings = { type: 'array', items: { type: 'string' }, uniqueItems: true };
const duration = { type: 'string', pattern: '^\\d+(ms|s|m)$' };
const size = { type: 'string', pattern: '^\\d+[kmg]b?$' };
const dictionary = { type: 'object', additionalProperties: { type: 'string' } };
const SERVICE = {
  type: 'object',
  additionalProperties: false,
  required: [
    ...['restart', 'user', 'read_only', 'cap_drop', 'security_opt', 'healthcheck', 'deploy'],
    ...['networks', 'volumes', 'secrets', 'image', 'command'],
  ],
  properties: {
    build: { type: 'string' },
    image: { type: 'string' },
    restart: { enum: ['unless-stopped'] },
    init: { type: 'boolean' },
    user: { type: 'string', pattern: '^(?!root|0$)' },
    read_only: { const: true },
    tmpfs: strings,
    cap_drop: { const: ['ALL'] },
    security_opt: { const: ['no-new-privileges:true'] },
    pids_limit: { type: 'integer', minimum: 1 },
    shm_size: size,
    volumes: { type: 'array', items: { type: 'string', pattern: '^[a-z]+:/[a-z/]+$' } },
    networks: strings,
    env_file: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['path', 'required'],
        properties: { path: { type: 'string' }, required: { type: 'boolean' } },
      },
    },
    environment: dictionary,
    command: { type: 'array', items: { type: 'string' } },
    secrets: strings,
    ports: { type: 'array', items: { type: 'string', pattern: '^127\\.0\\.0\\.1:\\d+:\\d+$' } },
    depends_on: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['condition'],
        properties: { condition: { enum: ['service_healthy'] } },
      },
    },
    healthcheck: {
      type: 'object',
      additionalProperties: false,
      required: ['test', 'interval', 'timeout', 'retries'],
      properties: {
        test: { type: 'array', items: { type: 'string' }, minItems: 2 },
        interval: duration,
        timeout: duration,
        start_period: duration,
        retries: { type: 'integer' },
      },
    },
    stop_grace_period: duration,
    logging: {
      type: 'object',
      additionalProperties: false,
      properties: { driver: { type: 'string' }, options: dictionary },
    },
    deploy: {
      type: 'object',
      additionalProperties: false,
      required: ['resources'],
      properties: {
        replicas: { type: 'integer', minimum: 1 },
        resources: {
          type: 'object',
          additionalProperties: false,
          required: ['limits'],
          properties: {
            limits: {
              type: 'object',
              additionalProperties: false,
              required: ['cpus', 'memory'],
              properties: { cpus: { type: 'string' }, memory: size },
            },
          },
        },
      },
    },
  },
};
const COMPOSE = {
  type: 'object',
  additionalProperties: false,
  patternProperties: { '^x-': {} },
  required: ['name', 'services', 'networks', 'volumes', 'secrets'],
  properties: {
    name: { type: 'string' },
    services: { type: 'object', additionalProperties: SERVICE },
    networks: {
      type: 'object',
      additionalProperties: {
        type: ['object', 'null'],
        additionalProperties: false,
        properties: { internal: { type: 'boolean' } },
      },
    },
    volumes: { type: 'object', additionalProperties: { type: 'null' } },
    secrets: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['file'],
        properties: { file: { type: 'string', pattern: '^\\./secrets/' } },
      },
    },
  },
};

describe('docker-compose.yml', () => {
  test('says nothing but what Compose knows, and every service is unprivileged, limited and looked after', () => {
    const validate = new Ajv({ allErrors: true }).compile(COMPOSE);
    validate(raw);
    expect(validate.errors ?? []).toEqual([]);
  });

  test('names PostgreSQL 18, a Redis that forgets nothing, one bot and two workers', () => {
    const { postgres, redis, bot, worker } = compose.services;
    expect(postgres.image).toBe('postgres:18');
    expect(redis.command.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction/);
    expect([bot.environment.ROLE, bot.deploy.replicas]).toEqual(['bot', 1]);
    expect([worker.environment.ROLE, worker.deploy.replicas]).toEqual(['worker', 2]);
  });

  test('uses only settings, secrets and volumes that there are, and writes no secret down', () => {
    const known = new Set([...SETTING_NAMES, ...SECRET_NAMES.map((name) => `${name}_FILE`)]);
    for (const service of [compose.services.bot, compose.services.worker]) {
      for (const [name, value] of Object.entries(service.environment)) {
        expect(known, name).toContain(name);
        expect(SECRET_NAMES, name).not.toContain(name);
        if (!name.endsWith('_FILE')) continue;
        expect(service.secrets).toContain(value.replace('/run/secrets/', ''));
      }
    }
    for (const { secrets } of Object.values(compose.services)) {
      for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
    }
  });
});

test('the image has no build step, runs as nobody of note, and takes in what it needs alone', async () => {
  expect(dockerfile).toMatch(/^FROM node:24-slim$/m);
  expect(dockerfile).toMatch(/^USER node$/m);
  expect(dockerfile).toMatch(/^CMD \["node", "src\/start\.js"\]$/m);
  expect(dockerfile).not.toMatch(/npm run|tsc|build-essential|COPY \. /);
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, what = '']) =>
    what.split(' '),
  );
  const ignored = (await readFile('.dockerignore', 'utf8')).split('\n');
  expect(ignored).toContain('*');
  expect(
    ignored
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
      .toSorted(),
  ).toEqual(copied.toSorted());
});

describe.skipIf(!hasRedis())('the same topology as processes', () => {
  let folder: string;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-compose-'));
    await Promise.all(['secrets', 'data', 'redis'].map((name) => mkdir(join(folder, name))));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  /** A container's paths, on this machine. */
  const here = (word: string) =>
    word
      .replace('/run/secrets/', join(folder, 'secrets/'))
      .replace(/^\/data$/, join(folder, 'data'));

  async function run(
    command: readonly string[],
    env: Readonly<Record<string, string>>,
    said: RegExp,
  ) {
    const [program = '', ...args] = command;
    const isNode = program === 'node';
    const child = spawn(isNode ? process.execPath : program, args.map(here), {
      env: { PATH: process.env.PATH ?? '', ...COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    const endWithUs = () => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    child.once('exit', () => process.removeListener('exit', endWithUs));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        output += part;
      });
    }
    await waitFor(
      () => {
        if (child.exitCode !== null) throw new Error(output);
        return said.test(output);
      },
      { timeoutMs: 60_000, what: String(said) },
    );
    return child;
  }

  test('one bot and two workers hold a conversation, with the commands, settings and secrets of the file', async () => {
    const world = await createWorld();
    const database = await createEmptyDatabase();
    onTestFinished(async () => {
      await database.close();
      await world.close();
    });
    const { redis, bot, worker } = compose.services;
    const port = await freePort();
    const password = 'not the one of anybody';
    const secrets: Record<string, string> = {
      telegram_bot_token: world.telegram.token,
      openai_api_key: world.openai.apiKey,
      database_url: database.url.reveal(),
      redis_url: `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`,
      redis_conf: `requirepass "${password}"`,
      postgres_password: 'unused here',
    };
    expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(compose.secrets).toSorted());
    for (const [name, secret] of Object.entries(secrets)) {
      await writeFile(join(folder, 'secrets', name), `${secret}\n`);
    }
    const redisCommand = redis.command.map((word) =>
      word === '/data' ? join(folder, 'redis') : word,
    );
    const onThisMachine = ['--port', String(port), '--bind', '127.0.0.1'];
    await run([...redisCommand, ...onThisMachine], {}, /Ready to accept connections/);

    const settings = (service: typeof bot) => ({
      ...Object.fromEntries(
        Object.entries(service.environment).map(([name, value]) => [name, here(value)]),
      ),
      // The simulators, and a port for each: here they all share one machine.
      TELEGRAM_API_ROOT: world.telegram.url,
      OPENAI_BASE_URL: world.openai.url,
      HTTP_PORT: '0',
    });
    const online = /Latchkey is online/;
    const first = await run(bot.command, settings(bot), online);
    const workers = await Promise.all(
      Array.from({ length: worker.deploy.replicas }, () =>
        run(worker.command, settings(worker), online),
      ),
    );

    const people = Array.from({ length: 8 }, (_, i) =>
      world.telegram.addUser({ first_name: `Person ${i}` }),
    );
    world.openai.script(() => ({ text: 'Here is an answer.', chunkDelayMs: 20 }));
    for (const person of people)
      world.telegram.say(world.telegram.privateChat(person), person, 'hello');
    const answered = () =>
      people.filter((person) =>
        world.telegram
          .messages(world.telegram.privateChat(person))
          .some((message) => message.text?.includes('Here is an answer')),
      ).length;
    await waitFor(() => answered() === people.length, { timeoutMs: 20_000 });
    const shared = await database.db.execute<{ n: number }>(
      sql`select count(distinct worker)::int as n from turns`,
    );
    expect(shared[0]?.n).toBe(2);

    for (const child of [first, ...workers]) child.kill('SIGTERM');
    for (const child of [first, ...workers]) {
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(0);
    }
  }, 180_000);
});
