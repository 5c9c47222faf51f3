import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { StartError } from '../../src/start-error.ts';
import type { Health } from '../../src/web/health.ts';
import { startWebServer, type WebServer, type WebServerOptions } from '../../src/web/server.ts';

const PATH = '/hook/12:ab*c';
const SECRET = 'right-secret';
const FINE: Health = { ok: true, parts: { database: { ok: true } } };

const open: WebServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function start(options: Partial<WebServerOptions> = {}): Promise<WebServer> {
  const server = await startWebServer({
    port: 0,
    host: '127.0.0.1',
    health: async () => FINE,
    ...options,
  });
  open.push(server);
  return server;
}

function webhook(handle = vi.fn(async (_body: unknown, _secret: string) => ({ status: 200 }))) {
  return { handle, telegramWebhook: { path: PATH, secret: new Secret(SECRET), handle } };
}

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** As written on the wire: `fetch` would tidy the path up. */
function send(server: WebServer, sent: Sent): Promise<{ status: number; body: string }> {
  const { method = 'GET', path = '/', headers = {}, body } = sent;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port,
      method,
      path,
      headers,
      agent: false,
    });
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function post(server: WebServer, sent: Sent = {}) {
  const headers = {
    'content-type': 'application/json',
    'x-telegram-bot-api-secret-token': SECRET,
    ...sent.headers,
  };
  return send(server, { method: 'POST', path: PATH, body: '{"update_id":1}', ...sent, headers });
}

/** Everything that the server says on a connection until it closes it. */
function conversation(server: WebServer, say: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => say(socket));
    let heard = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      heard += part;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

test('healthz answers even when a part does not work', async () => {
  const server = await start({ health: async () => ({ ok: false, parts: {} }) });
  expect(await send(server, { path: '/healthz' })).toEqual({ status: 200, body: '{"ok":true}' });
});

test('readyz tells which part does not work', async () => {
  let health: Health = FINE;
  const server = await start({ health: async () => health });
  expect(await send(server, { path: '/readyz' })).toEqual({
    status: 200,
    body: JSON.stringify(FINE),
  });
  health = { ok: true, parts: { database: { ok: true }, queue: { ok: false, detail: 'slow' } } };
  expect(await send(server, { path: '/readyz' })).toEqual({
    status: 503,
    body: JSON.stringify({ ...health, ok: false }),
  });
});

test('readyz says no, and nothing else, when health itself fails', async () => {
  const server = await start({ health: () => Promise.reject(new Error('postgres://me:pw@host')) });
  expect(await send(server, { path: '/readyz' })).toEqual({
    status: 503,
    body: '{"ok":false,"parts":{}}',
  });
});

test('many who ask for readyz at once cost one look at the parts', async () => {
  const gate = Promise.withResolvers<Health>();
  const health = vi.fn(() => gate.promise);
  const server = await start({ health });
  const asked = Array.from({ length: 10 }, () => send(server, { path: '/readyz' }));
  await vi.waitFor(() => expect(health).toHaveBeenCalled());
  // An answer to something else, after the ten were sent.
  await send(server, { path: '/healthz' });
  gate.resolve(FINE);
  for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200);
  expect(health.mock.calls.length).toBeLessThanOrEqual(2);
});

test('an update reaches the handler with its secret', async () => {
  const { handle, telegramWebhook } = webhook();
  const server = await start({ telegramWebhook });
  expect(await post(server)).toEqual({ status: 200, body: '' });
  expect(await post(server, { path: `${PATH}?a=b` })).toEqual({ status: 200, body: '' });
  expect(handle).toHaveBeenCalledTimes(2);
  expect(handle).toHaveBeenCalledWith({ update_id: 1 }, SECRET);
});

test('the handler decides about the secret where the server was not told it', async () => {
  const handle = vi.fn(async (_body: unknown, secret: string) => ({
    status: secret === SECRET ? 200 : 401,
  }));
  const server = await start({ telegramWebhook: { path: PATH, handle } });
  expect((await post(server)).status).toBe(200);
  expect((await post(server, { headers: { 'x-telegram-bot-api-secret-token': 'x' } })).status).toBe(
    401,
  );
});

test.each(['', 'wrong', `${SECRET}x`, SECRET.toUpperCase()])(
  'a wrong secret (%j) is refused before the body is read',
  async (secret) => {
    const { handle, telegramWebhook } = webhook();
    const server = await start({ telegramWebhook });
    // The body never comes: the answer must not wait for it.
    const heard = await conversation(server, (socket) =>
      socket.write(
        `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `X-Telegram-Bot-Api-Secret-Token: ${secret}\r\nContent-Length: 500000\r\n\r\n{`,
      ),
    );
    expect(heard).toMatch(/^HTTP\/1\.1 401 /);
    expect(handle).not.toHaveBeenCalled();
  },
);

test('a handler that fails answers 500, tells nothing, and is reported', async () => {
  const failure = Object.assign(new Error('secret detail'), { statusCode: 404, code: 'GONE' });
  const onError = vi.fn();
  const { telegramWebhook } = webhook(vi.fn(() => Promise.reject(failure)));
  const server = await start({ telegramWebhook, onError });
  expect(await post(server)).toEqual({ status: 500, body: '' });
  expect(onError).toHaveBeenCalledWith(failure);
});

test('ten megabytes are refused', async () => {
  const { handle, telegramWebhook } = webhook();
  const server = await start({ telegramWebhook });
  const body = JSON.stringify({ text: 'x'.repeat(10 * 1024 * 1024) });
  const announced = await conversation(server, (socket) =>
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `X-Telegram-Bot-Api-Secret-Token: ${SECRET}\r\nContent-Length: ${body.length}\r\n\r\n`,
    ),
  );
  expect(announced).toMatch(/^HTTP\/1\.1 413 /);
  const chunked = await conversation(server, (socket) => {
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `X-Telegram-Bot-Api-Secret-Token: ${SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    socket.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  });
  expect(chunked).toMatch(/^HTTP\/1\.1 413 |^$/);
  expect(handle).not.toHaveBeenCalled();
});

test.each([
  ['text/plain', '{"update_id":1}', 415],
  ['application/x-www-form-urlencoded', 'update_id=1', 415],
  ['application/json', '{"update_id":', 400],
  ['application/json', '', 400],
  ['application/json', '{"__proto__":{"a":1}}', 400],
])('a body of %s, %j, is refused', async (type, body, status) => {
  const { handle, telegramWebhook } = webhook();
  const server = await start({ telegramWebhook });
  expect((await post(server, { headers: { 'content-type': type }, body })).status).toBe(status);
  expect(handle).not.toHaveBeenCalled();
});

test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])(
  '%s of the webhook is not found',
  async (method) => {
    const { handle, telegramWebhook } = webhook();
    const server = await start({ telegramWebhook });
    const headers = { 'x-telegram-bot-api-secret-token': SECRET };
    expect((await send(server, { method, path: PATH, headers })).status).toBe(404);
    expect(handle).not.toHaveBeenCalled();
  },
);

test.each([
  '/',
  '/metrics',
  '/healthz/',
  '/HEALTHZ',
  '//healthz',
  '/x/../healthz',
  '/healthz/%2e%2e/readyz',
  '/healthz;a',
  '/%',
  '/%ff',
  '/hook',
  '/.env',
])('GET %s is not found', async (path) => {
  const server = await start(webhook());
  expect(await send(server, { path })).toEqual({ status: 404, body: '' });
});

test.each([`${PATH}/`, `/${PATH}`, `/x/..${PATH}`, '/hook/12%3Aab*c', '/hook/12:abXc', '/healthz'])(
  'POST %s is not the webhook',
  async (path) => {
    const { handle, telegramWebhook } = webhook();
    const server = await start({ telegramWebhook });
    expect((await post(server, { path })).status).toBe(404);
    expect(handle).not.toHaveBeenCalled();
  },
);

test('without a webhook every POST is not found, without waiting for its body', async () => {
  const server = await start();
  const heard = await conversation(server, (socket) =>
    socket.write('POST /any HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n'),
  );
  expect(heard).toMatch(/^HTTP\/1\.1 404 /);
});

test.each([
  ['nothing', ''],
  ['half a head', 'GET /healthz HTTP/1.1\r\nHost: x\r\n'],
  [
    'half a body',
    `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Telegram-Bot-Api-Secret-Token: ${SECRET}\r\nContent-Length: 50\r\n\r\n{`,
  ],
])('who sends %s is cut off', async (_what, text) => {
  const { handle, telegramWebhook } = webhook();
  const server = await start({ telegramWebhook, requestTimeoutMs: 200 });
  const heard = await conversation(server, (socket) => socket.write(text));
  expect(heard).toMatch(/^HTTP\/1\.1 408 |^$/);
  expect(handle).not.toHaveBeenCalled();
});

test('long headers are refused', async () => {
  const server = await start();
  const answer = await send(server, { path: '/healthz', headers: { a: 'x'.repeat(20_000) } });
  expect(answer.status).toBe(431);
});

test('a port that is taken stops the start with a sentence that names HTTP_PORT', async () => {
  const { port } = await start();
  const second = startWebServer({ port, host: '127.0.0.1', health: async () => FINE });
  await expect(second).rejects.toThrow(StartError);
  await expect(second).rejects.toThrow(new RegExp(`HTTP_PORT is ${port}.*free one`));
});

test('closing answers what is under way and then takes nothing more', async () => {
  const gate = Promise.withResolvers<void>();
  const { handle, telegramWebhook } = webhook(
    vi.fn(async () => {
      await gate.promise;
      return { status: 200 };
    }),
  );
  const server = await start({ telegramWebhook });
  const answer = post(server);
  await vi.waitFor(() => expect(handle).toHaveBeenCalled());
  const closing = server.close();
  gate.resolve();
  expect((await answer).status).toBe(200);
  await closing;
  await expect(post(server)).rejects.toThrow(/ECONNREFUSED/);
});

test('metrics are for this machine alone, and for nobody who comes through a proxy', async () => {
  const page = async () => ({ type: 'text/plain', text: 'latchkey_turns_running 1' });
  const server = await start({ metrics: { page, openTo: 'this-machine' } });
  const path = '/metrics';
  expect(await send(server, { path })).toEqual({ status: 200, body: 'latchkey_turns_running 1' });
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via']) {
    expect(await send(server, { path, headers: { [name]: '198.51.100.7' } })).toEqual({
      status: 404,
      body: '',
    });
  }
  const asked = await start({ metrics: { page, openTo: 'everybody' } });
  const proxied = { path, headers: { 'x-forwarded-for': '198.51.100.7' } };
  expect((await send(asked, proxied)).status).toBe(200);
});
