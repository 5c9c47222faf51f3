/** What both stand-ins share: a server on a free port that parses JSON and answers JSON. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface StandInServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  close(): Promise<void>;
}

export interface StandInCall {
  readonly path: string;
  readonly body: unknown;
  /** `performance.now()` when the request's headers were there. */
  readonly at: number;
  readonly response: ServerResponse;
}

/** @param handle what it throws ends the benchmark: a stand-in that fails must not look like a slow bot */
export async function startStandIn(
  handle: (call: StandInCall) => void | Promise<void>,
): Promise<StandInServer> {
  const server = createServer((request, response) => {
    const at = performance.now();
    readJson(request).then(
      async (body) => handle({ path: request.url ?? '/', body, at, response }),
      // The client went away while it was still sending.
      () => response.destroy(),
    );
  });
  // Longer than any client keeps a connection: none meets one that is being closed.
  server.keepAliveTimeout = 600_000;
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export function sendJson(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'));
}
