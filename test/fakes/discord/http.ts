/** The HTTP side: addresses, tokens, the record of requests, faults and rates. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Faults, refusalOf } from './faults.ts';
import { type Body, readBody } from './form-body.ts';
import type { RateLimits } from './rates.ts';
import { DiscordRefusal, notFound, unauthorized } from './refusal.ts';
import type { Found, Reply, Router } from './routing.ts';
import type { FaultRule, RecordedCall } from './types.ts';
import type { World } from './world.ts';

export interface RestServerOptions {
  readonly world: World;
  readonly router: Router;
  readonly downloads: Router;
  readonly calls: RecordedCall[];
  readonly faults: Faults;
  readonly rates: RateLimits | undefined;
  /** Called when a request came, and when it was answered. */
  readonly onCall: () => void;
}

export interface RestServer {
  readonly server: Server;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const closing = new AbortController();
  const server = createServer((request, response) => {
    void respond(request, response).catch(() => request.socket.destroy());
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const path = /^\/api\/v10(\/.*)$/.exec(url.pathname)?.[1];
    const method = request.method ?? 'GET';
    const found =
      path === undefined
        ? options.downloads.find(method, url.pathname)
        : options.router.find(method, path);
    let body: Body = { json: undefined, files: [] };
    let malformed: unknown;
    try {
      body = await readBody(request);
    } catch (error) {
      malformed = error;
    }
    const record: RecordedCall = {
      method,
      path: decodeURIComponent(path ?? url.pathname),
      route: found?.route ?? `${method} ${path ?? url.pathname}`,
      query: Object.fromEntries(url.searchParams),
      body: body.json,
      files: body.files,
      authorized: request.headers.authorization === `Bot ${options.world.token}`,
      headers: request.headers,
      at: options.world.clock.now(),
      status: 0,
    };
    options.calls.push(record);
    options.onCall();
    const fault = options.faults.next(record);
    if (fault?.hang === true) return;
    if (fault?.slowMs !== undefined) await pause(fault.slowMs, closing.signal);
    if (fault?.dropBefore === true) {
      request.socket.destroy();
      return;
    }
    const headers: Record<string, string> = {};
    let reply: Reply | DiscordRefusal;
    try {
      if (malformed !== undefined) throw malformed;
      reply = run(record, { ...body, query: url.searchParams }, found, fault, headers);
    } catch (error) {
      reply = asRefusal(error);
    }
    if (fault?.dropAfter === true) {
      request.socket.destroy();
      options.onCall();
      return;
    }
    record.status = reply.status;
    if (reply instanceof DiscordRefusal) {
      record.code = reply.code;
      record.refusal = JSON.stringify(reply.body);
    }
    write(response, reply, headers);
    options.onCall();
  }

  /** @throws DiscordRefusal */
  function run(
    record: RecordedCall,
    body: Body & { readonly query: URLSearchParams },
    found: Found | undefined,
    fault: FaultRule | undefined,
    headers: Record<string, string>,
  ): Reply {
    if (found === undefined) throw notFound();
    if (!isOpen(found.route) && !record.authorized) throw unauthorized();
    // A wrong token is refused also where none is needed.
    if (isOpen(found.route) && record.headers.authorization !== undefined && !record.authorized) {
      throw unauthorized();
    }
    const refusal = fault && refusalOf(fault);
    if (refusal !== undefined) throw refusal;
    const { channel, application, token } = found.params;
    const major = channel ?? `${application}/${token}`;
    const taken = options.rates?.take(found.route, major, record.authorized);
    Object.assign(headers, taken);
    return found.handler({ ...body, params: found.params });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was bound');
  return {
    server,
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What takes no token of the bot. */
function isOpen(route: string): boolean {
  return /^\w+ \/(?:webhooks|interactions|gateway$|attachments|ephemeral-attachments)/.test(route);
}

function asRefusal(error: unknown): DiscordRefusal {
  if (error instanceof DiscordRefusal) return error;
  // A mistake of the simulator's own: it should be seen, not taken for Discord's doing.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new DiscordRefusal(501, 0, `simulator failed: ${text}`);
}

function write(
  response: ServerResponse,
  reply: Reply | DiscordRefusal,
  headers: Readonly<Record<string, string>>,
): void {
  if (response.destroyed) return;
  if (reply instanceof DiscordRefusal) {
    const all = { ...headers, ...reply.headers, 'content-type': 'application/json' };
    response.writeHead(reply.status, all);
    response.end(JSON.stringify(reply.body));
    return;
  }
  if (reply.bytes !== undefined) {
    response.writeHead(reply.status, {
      'content-type': 'application/octet-stream',
      'content-length': reply.bytes.byteLength,
    });
    response.end(reply.bytes);
    return;
  }
  const hasBody = reply.body !== undefined;
  response.writeHead(reply.status, {
    ...headers,
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
  });
  response.end(hasBody ? JSON.stringify(reply.body) : undefined);
}

function pause(ms: number, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    closing.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
