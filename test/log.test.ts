import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import { createLog, serializeError } from '../src/log.ts';
import { Secret } from '../src/secret.ts';

// Put together at run time, so that scanners of the source stay useful.
const KEYS = [
  `sk-${'proj-'}${'aB3_'.repeat(12)}`,
  `sk-${'ant-api03-'}${'x'.repeat(95)}`,
  `sk-or-${'v1-'}${'0f'.repeat(32)}`,
  `gsk_${'a1'.repeat(26)}`,
  `AIza${'b'.repeat(35)}`,
  `xai-${'c'.repeat(80)}`,
  // Of a Discord bot, and of an interaction with one.
  [`MTA${'x4Y'.repeat(7)}`, 'Gk-3_z', 'q7'.repeat(19)].join('.'),
  `aW50ZXJhY3Rpb246${'Zx9'.repeat(40)}`,
  `123456789:${'d-'.repeat(17)}d`,
];

async function logged(write: (log: Awaited<ReturnType<typeof createLog>>) => void) {
  let output = '';
  const stream = {
    write(line: string) {
      output += line;
    },
  };
  write(await createLog({ level: 'trace', stream }));
  return output;
}

for (const key of KEYS) {
  test(`${key.slice(0, 6)}… leaves the log in no field, message or error`, async () => {
    const output = await logged((log) => {
      log.info(`pasted ${key} here`);
      log.info(`one\n${key}\ttwo\u001b${key}`);
      log.info({ deep: { er: { still: [key] } } }, 'nested');
      log.info({ [key]: 1 }, 'as a name');
      log.error(new Error(`refused: ${key}`, { cause: new Error(key) }));
      log.error({ err: new Error(`refused: ${key}`) }, 'with words');
      log.error({ error: serializeError(new Error(`refused: ${key}`)) }, 'by hand');
      log.error(Object.assign(new Error('x'), { config: { headers: { auth: key } } }));
      log.child({ chat: key }).warn('a child');
      log.info({
        url: `https://api.example.org/v1/${key}/list?k=${encodeURIComponent(key)}`,
      });
    });
    expect(output).not.toContain(key);
    expect(output).not.toContain(key.slice(4, 30));
    for (const line of output.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });
}

test('the token of a bot leaves no address of its API', async () => {
  const token = KEYS.at(-1) ?? '';
  const output = await logged((log) =>
    log.error(new Error(`Network request for https://api.telegram.org/bot${token}/getMe failed`)),
  );
  expect(output).toContain('/bot[redacted]/getMe');
});

test('a masked echo of a key and a password in an address are taken out', async () => {
  const output = await logged((log) => {
    log.info('Incorrect API key provided: sk-proj-******************wXyZ.');
    log.info('postgres://latchkey:hunter2@db/latchkey');
  });
  expect(output).not.toContain('wXyZ');
  expect(output).not.toContain('hunter2');
  expect(output).toContain('postgres://latchkey:[redacted]@db/latchkey');
});

test('ordinary lines are left as they are', async () => {
  const message = 'turn 123456 took 1:30, asked sk-8 and task-list; see https://example.org/a@b';
  const output = await logged((log) => log.info({ turnId: 1234567890 }, message));
  expect(JSON.parse(output)).toMatchObject({ level: 'info', turnId: 1234567890, msg: message });
});

test('a Secret and fields that hold secrets show nothing', async () => {
  const output = await logged((log) => {
    log.info({ key: new Secret('hunter2'), apiKey: 'hunter2', http: { authorization: 'hunter2' } });
    log.info('%s %o', new Secret('hunter2'), new Secret('hunter2'));
  });
  expect(output).not.toContain('hunter2');
});

test('an error is reduced to class, code, message and frames', () => {
  const error = Object.assign(new TypeError('broken', { cause: new Error('inner words') }), {
    code: 'E_BROKEN',
    response: { body: 'words of a user' },
  });
  const serialized = serializeError(error);
  expect(serialized).toMatchObject({ type: 'TypeError', code: 'E_BROKEN', message: 'broken' });
  expect(JSON.stringify(serialized)).not.toMatch(/words/);
  expect(serialized.stack).toMatch(/log\.test\.ts/);
});

test("drizzle's error is logged without the parameters, as err, as error and bare", async () => {
  const make = () =>
    Object.assign(new Error('Failed query: select $1\nparams: words of a user'), {
      query: 'select $1',
      params: ['words of a user'],
      cause: Object.assign(new Error('no such table'), { code: '42P01' }),
    });
  const output = await logged((log) => {
    log.error(make());
    log.error({ err: make() });
    log.error({ error: make() }, 'a query failed');
    log.error({ where: 'x', err: make() }, 'a query failed');
  });
  expect(output).not.toContain('words of a user');
  expect(output).toContain('no such table (42P01)');
});

test('something thrown that is no error is not printed', () => {
  expect(serializeError({ body: 'words' })).toEqual({
    type: 'not an error',
    message: 'a thrown object',
  });
  expect(serializeError(undefined).message).toBe('a thrown undefined');
});

test('a very long message is cut', () => {
  expect(serializeError(new Error('x'.repeat(100_000))).message.length).toBeLessThan(5_000);
});

test("the SDK's error after a refused key shows neither the key nor its echo", async () => {
  const key = KEYS[0] ?? '';
  const server = createServer((_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' });
    const message = `Incorrect API key provided: ${key.slice(0, 8)}********${key.slice(-4)}.`;
    response.end(JSON.stringify({ error: { message, code: 'invalid_api_key' } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const client = new OpenAI({ apiKey: key, baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 });
  const error = await client.models.list().catch((reason: unknown) => reason);
  server.close();
  const output = await logged((log) => log.error({ err: error }));
  expect(output).toContain('401');
  expect(output).not.toContain(key.slice(-4));
});

const CRASHES = {
  'an uncaught error': 'setImmediate(() => { throw new Error("got " + key); });',
  'an unhandled rejection': 'Promise.reject(new Error("got " + key));',
  'an unhandled rejection without an error': 'Promise.reject({ key });',
};

for (const [name, code] of Object.entries(CRASHES)) {
  test(`${name} that bears a key ends the process with a clean line`, () => {
    const script = `
      import { createLog, installCrashHandlers } from ${JSON.stringify(new URL('../src/log.ts', import.meta.url).href)};
      const key = 'sk-' + 'proj-' + 'q'.repeat(40);
      const log = await createLog({ level: 'info' });
      installCrashHandlers({ log, exit: (code) => process.exit(code) });
      ${code}
      setInterval(() => {}, 1000);`;
    const args = ['--input-type=module', '--eval', script];
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('Latchkey crashed');
    expect(stderr).not.toContain('qqqqqqqq');
  });
}

test('no line keeps the last net busy', async () => {
  const hostile = ['*', 'a', 'a-', '1', '1:', 'x://', 'a:', 'sk-', 'http://a:', '%3A', 'a**'];
  const started = performance.now();
  const output = await logged((log) => {
    for (const text of hostile) log.info(text.repeat(50_000 / text.length));
  });
  expect(output.length).toBeGreaterThan(0);
  expect(performance.now() - started).toBeLessThan(2_000);
});
