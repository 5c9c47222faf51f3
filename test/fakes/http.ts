/** What the simulators of providers share: a server on a free port that records what it was asked. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Set when the client went away before the answer was complete. */
  aborted: boolean;
  /** When it went away or was answered; undefined while it is being answered. */
  endedAt: number | undefined;
}

export interface Exchange {
  readonly request: RecordedRequest;
  readonly response: ServerResponse;
  /** Aborted when the client goes away or the server closes. */
  readonly gone: AbortSignal;
}

export interface FakeServer {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly origin: string;
  readonly requests: RecordedRequest[];
  activeRequests(): number;
  close(): Promise<void>;
}

export async function startFakeServer(
  handle: (exchange: Exchange) => Promise<void>,
): Promise<FakeServer> {
  const requests: RecordedRequest[] = [];
  const running = new Set<AbortController>();

  const server = createServer((incoming, response) => {
    const controller = new AbortController();
    running.add(controller);
    let request: RecordedRequest | undefined;
    response.on('close', () => {
      running.delete(controller);
      if (request !== undefined) {
        request.aborted ||= !response.writableFinished;
        request.endedAt = Date.now();
      }
      controller.abort();
    });
    readBody(incoming)
      .then((body) => {
        request = {
          method: incoming.method ?? 'GET',
          path: incoming.url ?? '/',
          headers: incoming.headers,
          body,
          at: Date.now(),
          aborted: false,
          endedAt: undefined,
        };
        requests.push(request);
        return handle({ request, response, gone: controller.signal });
      })
      .catch((error: unknown) => {
        // A simulator that fails must not look like a provider that fails.
        if (!controller.signal.aborted)
          response.destroy(error instanceof Error ? error : undefined);
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    activeRequests: () => running.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const controller of running) controller.abort();
        server.closeAllConnections();
      }),
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Resolves after `ms`, or earlier when `gone` is aborted; `undefined` waits for that alone. */
export function pause(ms: number | undefined, gone: AbortSignal): Promise<void> {
  if (gone.aborted || ms === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      gone.removeEventListener('abort', done);
      resolve();
    };
    const timer = ms === undefined ? undefined : setTimeout(done, ms);
    gone.addEventListener('abort', done, { once: true });
  });
}

/** @returns the first value that is neither undefined nor false */
export async function waitFor<T>(
  condition: () => T | undefined | false,
  { timeoutMs = 5_000 }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function readBody(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
