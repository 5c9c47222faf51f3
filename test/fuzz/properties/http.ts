/** What comes over the HTTP port, byte by byte. */

import { connect } from 'node:net';
import fc from 'fast-check';
import { expect } from 'vitest';
import { Secret } from '../../../src/secret.ts';
import { startWebServer } from '../../../src/web/server.ts';
import { cut, oddText } from '../inputs.ts';
import { holds } from '../property.ts';

const SECRET = 'only-for-this-test';
const PATH = '/hook/12:ab*c';
/** Longer than the server waits for a request. */
const PATIENCE_MS = 3_000;

let taken: unknown[] = [];
let failures: unknown[] = [];
let port: Promise<number> | undefined;

function server(): Promise<number> {
  port ??= startWebServer({
    port: 0,
    host: '127.0.0.1',
    requestTimeoutMs: 400,
    health: async () => ({ ok: true, parts: {} }),
    onError: (error) => failures.push(error),
    telegramWebhook: {
      path: PATH,
      secret: new Secret(SECRET),
      handle: async (body) => {
        taken.push(body);
        return { status: 200 };
      },
    },
  }).then((started) => started.port);
  return port;
}

const request = fc
  .record({
    method: fc.oneof(
      { weight: 4, arbitrary: fc.constant('POST') },
      fc.constantFrom('GET', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', ''),
    ),
    path: fc.oneof(
      { weight: 4, arbitrary: fc.constant(PATH) },
      fc.constantFrom('/', '/readyz', '*', '//'),
      oddText,
    ),
    secret: fc.oneof({ weight: 3, arbitrary: fc.constant(SECRET) }, oddText),
    headers: fc.array(
      fc.oneof(
        fc.constantFrom(
          'Transfer-Encoding: chunked',
          'Content-Length: 1',
          'Expect: 100-continue',
          'Upgrade: x',
          'Connection: close',
          'Content-Encoding: gzip',
        ),
        fc.tuple(oddText, oddText).map(([name, value]) => `${name}: ${value}`),
      ),
      { maxLength: 3 },
    ),
    type: fc.constantFrom('application/json', 'application/json; charset=utf-16', 'text/plain', ''),
    body: fc.oneof(
      fc.json(),
      fc.constantFrom(
        '{"update_id":1}',
        '{"__proto__":{"polluted":true}}',
        '{"constructor":{"prototype":{}}}',
      ),
      oddText,
    ),
  })
  .map(
    ({ method, path, secret, headers, type, body }) =>
      `${[
        `${method} ${path} HTTP/1.1`,
        'Host: x',
        'Connection: close',
        `Content-Type: ${type}`,
        `X-Telegram-Bot-Api-Secret-Token: ${secret}`,
        `Content-Length: ${Buffer.byteLength(body)}`,
        ...headers,
      ].join('\r\n')}\r\n\r\n${body}`,
  );

/** What the server says until it closes; the client says no more. */
async function say(bytes: string): Promise<string> {
  const to = await server();
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(to, '127.0.0.1', () => socket.end(bytes, 'latin1'));
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`nothing ended it: ${JSON.stringify(bytes.slice(0, 300))}`));
    }, PATIENCE_MS);
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(heard);
    });
  });
}

export const httpRequests = holds(
  'what comes over HTTP',
  fc.oneof(request, cut(request), oddText),
  async (bytes) => {
    taken = [];
    failures = [];
    const heard = await say(bytes);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(heard)?.[1] ?? 0);
    expect(status, heard.slice(0, 200)).toBeLessThan(500);
    expect(failures).toEqual([]);
    // Nothing gets to the platform but with its secret, at its path.
    if (taken.length > 0) {
      expect(bytes).toContain(`POST ${PATH} `);
      expect(bytes).toContain(SECRET);
    }
    for (const body of taken) expect(Object.keys(body ?? {})).not.toContain('__proto__');
  },
);
