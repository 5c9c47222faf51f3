/** The HTTP side in the hands of those who do not know the secret, or send what is no update. */

import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { startWebServer, type WebServer, type WebServerOptions } from '../../src/web/server.ts';
import { conversation, countReadBytes, statusOf } from '../support/raw-http.ts';

const PATH = '/hook/12:ab*c';
const SECRET = 'right-secret';
const MEGABYTE = 1024 * 1024;

const open: WebServer[] = [];
const clients: Socket[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function start(options: Partial<WebServerOptions> = {}) {
  const handle = vi.fn(async (_body: unknown, _secret: string) => ({ status: 200 }));
  const server = await startWebServer({
    port: 0,
    host: '127.0.0.1',
    health: async () => ({ ok: true, parts: {} }),
    telegramWebhook: { path: PATH, secret: new Secret(SECRET), handle },
    ...options,
  });
  open.push(server);
  return { port: server.port, handle };
}

interface Head {
  readonly method?: string;
  readonly path?: string;
  /** Empty: none. */
  readonly secret?: string;
  readonly type?: string;
  readonly more?: string;
}

function head({ method = 'POST', path = PATH, secret = SECRET, type, more = '' }: Head): string {
  const told = secret === '' ? '' : `X-Telegram-Bot-Api-Secret-Token: ${secret}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type ?? 'application/json'}\r\n${told}${more}`;
}

function withBody(sent: Head, body: string): string {
  return `${head({ ...sent, more: `Connection: close\r\n${sent.more ?? ''}` })}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** A connection that stays, and what it has heard. */
async function hold(port: number, text: string): Promise<{ socket: Socket; heard(): string }> {
  const socket = connect(port, '127.0.0.1');
  clients.push(socket);
  let heard = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (part: string) => {
    heard += part;
  });
  await new Promise((resolve) => {
    socket.once('connect', resolve).once('close', resolve);
  });
  socket.write(text);
  return { socket, heard: () => heard };
}

test.each<[string, Head, number]>([
  ['without the secret', { secret: '' }, 401],
  ['with a wrong secret', { secret: 'wrong' }, 401],
  ['to another path', { path: '/hook' }, 404],
  ['by another method', { method: 'PUT' }, 404],
  ['of another type', { type: 'text/plain' }, 415],
  ['that is no part of the request', { method: 'GET', path: '/healthz' }, 400],
])('ten megabytes %s are not read', async (_what, sent, status) => {
  const { port, handle } = await start();
  for (const length of [`Content-Length: ${10 * MEGABYTE}`, 'Transfer-Encoding: chunked']) {
    const read = countReadBytes(port);
    onTestFinished(() => read.stop());
    const heard = await conversation(port, (socket) => {
      socket.write(`${head(sent)}${length}\r\n\r\n${(10 * MEGABYTE).toString(16)}\r\n`);
      for (let sent = 0; sent < 10; sent += 1) socket.write('x'.repeat(MEGABYTE));
    });
    // Whoever goes on writing to a closed connection may lose the answer.
    expect(heard === '' || heard.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(read.total()).toBeLessThan(MEGABYTE / 2);
    read.stop();
  }
  expect(handle).not.toHaveBeenCalled();
});

test('who asks before sending a body is told to go on only with the secret', async () => {
  const { port, handle } = await start();
  const ask = (secret: string) =>
    hold(port, `${head({ secret, more: 'Expect: 100-continue\r\n' })}Content-Length: 2\r\n\r\n`);
  const stranger = await ask('wrong');
  await vi.waitFor(() => expect(stranger.heard()).toMatch(/^HTTP\/1\.1 401 /));
  const telegram = await ask(SECRET);
  await vi.waitFor(() => expect(telegram.heard()).toMatch(/^HTTP\/1\.1 100 /));
  telegram.socket.write('{}');
  await vi.waitFor(() => expect(telegram.heard()).toMatch(/HTTP\/1\.1 200 /));
  expect(handle).toHaveBeenCalledOnce();
});

test('a secret of any length is compared in the same way, by hashes and once', async () => {
  const compared: number[][] = [];
  const real = crypto.timingSafeEqual;
  const spy = vi.spyOn(crypto, 'timingSafeEqual').mockImplementation((one, other) => {
    compared.push([one.byteLength, other.byteLength]);
    return real(one, other);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  const { port } = await start();
  const wrong = ['', 'r', SECRET.slice(0, -1), `${SECRET}x`, 'x'.repeat(SECRET.length)];
  for (const secret of [...wrong, 'x'.repeat(5000)]) {
    compared.length = 0;
    expect(await statusOf(port, withBody({ secret }, '{}'))).toBe(401);
    expect(compared).toEqual([[32, 32]]);
  }
  compared.length = 0;
  expect(await statusOf(port, withBody({}, '{}'))).toBe(200);
  expect(compared).toEqual([[32, 32]]);
});

test('who sends a byte now and then is cut off all the same', async () => {
  const { port, handle } = await start({ requestTimeoutMs: 200 });
  const slow = [
    head({ more: 'X: ' }),
    `${head({})}Content-Length: 5000\r\n\r\n{`,
    `${head({})}Transfer-Encoding: chunked\r\n\r\n`,
  ].map(async (begin) => {
    let timer: NodeJS.Timeout | undefined;
    const heard = await conversation(port, (socket) => {
      socket.write(begin);
      timer = setInterval(() => socket.write(begin.includes('chunked') ? '1\r\nx\r\n' : 'x'), 20);
    });
    clearInterval(timer);
    return heard;
  });
  for (const heard of await Promise.all(slow)) expect(heard).toMatch(/^HTTP\/1\.1 408 |^$/);
  expect(handle).not.toHaveBeenCalled();
});

test('a thousand connections that say nothing, half a head or a wrong secret keep nobody out', async () => {
  const { port, handle } = await start();
  const before = process.memoryUsage();
  const says = ['', head({}), `${head({ secret: 'wrong' })}Content-Length: 9\r\n\r\n`];
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) => hold(port, says[index % says.length] ?? '')),
  );
  expect(await statusOf(port, withBody({}, '{"update_id":1}'))).toBe(200);
  expect(handle).toHaveBeenCalledOnce();
  const now = process.memoryUsage();
  const grown = now.heapUsed + now.external - before.heapUsed - before.external;
  // Both ends of each stand in this process.
  expect(grown).toBeLessThan(64 * MEGABYTE);
});

test('of too many connections the last are closed at once, until there is room', async () => {
  const { port } = await start({ maxConnections: 3 });
  const held = [await hold(port, ''), await hold(port, ''), await hold(port, '')];
  const healthz = withBody({ method: 'GET', path: '/healthz' }, '');
  await vi.waitFor(async () => expect(await statusOf(port, healthz)).toBeUndefined());
  held[0]?.socket.destroy();
  await vi.waitFor(async () => expect(await statusOf(port, healthz)).toBe(200));
});

test('who asks on and on without reading the answers is not listened to, and cut off', async () => {
  const { port } = await start({ silenceMs: 200 });
  const read = countReadBytes(port);
  onTestFinished(() => read.stop());
  const asked = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5000);
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
  for (let times = 0; times < 100; times += 1) socket.write(asked);
  await closed;
  expect(read.total()).toBeGreaterThan(0);
  expect(read.total()).toBeLessThan(asked.length * 50);
});

test.each(
  [
    `/${PATH}`,
    '/hook//12:ab*c',
    '/hook/./12:ab*c',
    '/x/../hook/12:ab*c',
    '/x/..;/hook/12:ab*c',
    '/%2e%2e/hook/12:ab*c',
    '/hook%2f12:ab*c',
    '/hook/12:ab%2ac',
    '/HOOK/12:ab*c',
    `${PATH}/`,
    `${PATH};a=b`,
    `${PATH}%00`,
    `${PATH}#a`,
    `http://x${PATH}`,
    '\\hook\\12:ab*c',
    '*',
    '/__proto__',
    '/constructor/prototype',
    `/${'a/'.repeat(3000)}`,
    `/${'../'.repeat(2000)}`,
    `/${'%2e'.repeat(2000)}`,
    `/${'x'.repeat(20_000)}`,
  ].map((path) => [path.slice(0, 40), path] as const),
)('POST to %s is refused, whoever knows the secret', async (_begin, path) => {
  const { port, handle } = await start();
  expect(await statusOf(port, withBody({ path }, '{"update_id":1}'))).toBeOneOf([400, 404, 431]);
  expect(handle).not.toHaveBeenCalled();
});

test.each([
  ['nothing but noise', '\u0000\u0001\u0002\r\n\r\n'],
  ['TLS to a port without', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n'],
  ['two lengths', `${head({})}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}`],
  ['a length and chunks', `${head({})}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`],
  ['a length below nought', `${head({})}Content-Length: -2\r\n\r\n{}`],
  ['a length beyond numbers', `${head({})}Content-Length: ${'9'.repeat(40)}\r\n\r\n{}`],
  ['chunks beyond numbers', `${head({})}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(40)}\r\n`],
  ['a header of NUL', `${head({ more: 'X: a\u0000b\r\n' })}Content-Length: 2\r\n\r\n{}`],
  ['a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['an unknown method', `${head({ method: 'HACK' })}\r\n`],
  ['another version', 'POST / HTTP/9.9\r\nHost: x\r\n\r\n'],
  ['five hundred headers', `${head({ more: 'X: y\r\n'.repeat(5000) })}\r\n`],
])('%s is refused and the connection closed', async (_what, text) => {
  const { port, handle } = await start();
  expect(await statusOf(port, text)).toBeOneOf([undefined, 400, 404, 413, 431]);
  expect(handle).not.toHaveBeenCalled();
});

test('an upgrade to another protocol is not followed', async () => {
  const { port } = await start();
  const more = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n';
  const { heard } = await hold(port, `${head({ method: 'GET', path: '/healthz', more })}\r\n`);
  await vi.waitFor(() => expect(heard()).toMatch(/^HTTP\/1\.1 [24]\d\d /));
});

test.each(
  (
    [
      ['text/plain', '{}', 415],
      ['application/xml', '<a/>', 415],
      ['multipart/form-data; boundary=a', '--a--', 415],
      ['application/json-patch+json', '[]', 415],
      [`application/json; ${'a=b; '.repeat(500)}`, '{}', 200],
      ['application/json', '{"a":', 400],
      ['application/json', '{"a":1}}', 400],
      ['application/json', '\ufeff', 400],
      ['application/json', '{"__proto__":{"polluted":true}}', 400],
      ['application/json', '{"a":{"\\u005f_proto__":{"polluted":true}}}', 400],
      ['application/json', '{"constructor":{"prototype":{"polluted":true}}}', 400],
      ['application/json', '['.repeat(200_000), 400],
      ['application/json', '['.repeat(200_000) + ']'.repeat(200_000), 200],
      ['application/json', `{"a":${'9'.repeat(500_000)}}`, 200],
    ] as const
  ).map((row) => [row[0].slice(0, 30), row[1].slice(0, 40), row[2], row] as const),
)('a body of %s, %j, is answered with %i', async (_type, _body, status, [type, body]) => {
  const { port } = await start();
  expect(await statusOf(port, withBody({ type }, body))).toBe(status);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});
