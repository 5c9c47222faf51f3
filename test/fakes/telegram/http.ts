/** The HTTP side: addresses, tokens, the record of requests, faults and limits. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { BotApiError, tooManyRequests } from './api-error.ts';
import { type ReadRequest, readRequest } from './body.ts';
import type { Faults } from './faults.ts';
import type { RateLimits } from './limits.ts';
import type { MethodTable } from './method.ts';
import { DOWNLOAD_LIMIT } from './methods-bot.ts';
import type { Params } from './params.ts';
import type { World } from './state.ts';
import type { RecordedCall } from './types.ts';

export interface BotApiServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface BotApiServerOptions {
  readonly world: World;
  readonly token: string;
  readonly methods: MethodTable;
  readonly calls: RecordedCall[];
  readonly faults: Faults;
  readonly limits: RateLimits | undefined;
  /** Called after each request. */
  readonly onCall: () => void;
}

/** What becomes of a request; `drop` breaks the connection, `hang` leaves it open. */
type Outcome =
  | { readonly kind: 'answer'; readonly result: unknown }
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'refuse'; readonly error: BotApiError }
  | { readonly kind: 'drop' | 'hang' };

/** The name under which downloads are recorded, and can be made to fail. */
const DOWNLOAD = 'download';

export async function startBotApiServer(options: BotApiServerOptions): Promise<BotApiServer> {
  // Method names are case-insensitive.
  const methods = new Map(
    Object.entries(options.methods).map(([name, method]) => [name.toLowerCase(), method]),
  );

  const server = createServer((request, response) => {
    void respond(request, response).catch(() => request.socket.destroy());
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const download = /^\/file\/bot([^/]*)\/(.+)$/.exec(url.pathname);
    const call = /^\/bot([^/]*)\/(?:test\/)?([^/]*)$/.exec(url.pathname);
    const [, token = '', rest = ''] = download ?? call ?? [];
    if (download === null && call === null) {
      return write(response, { kind: 'refuse', error: new BotApiError(404, 'Not Found') });
    }
    const method = download === null ? rest : DOWNLOAD;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    let read: ReadRequest;
    try {
      read = await readRequest(request, url);
    } catch (error) {
      return write(response, refusal(error));
    }
    const payload = download === null ? read.payload : { path: decodeURIComponent(rest) };
    const record: RecordedCall = { method, payload, at: options.world.now(), status: 0 };
    options.calls.push(record);
    options.onCall();
    const outcome = await decide(decodeURIComponent(token), record, read.params, gone.signal);
    if (outcome.kind === 'answer' || outcome.kind === 'file') record.status = 200;
    if (outcome.kind === 'refuse') {
      record.status = outcome.error.code;
      record.description = outcome.error.message;
    }
    if (outcome.kind === 'drop') request.socket.destroy();
    else write(response, outcome);
    options.onCall();
  }

  async function decide(
    token: string,
    record: RecordedCall,
    params: Params,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (token !== options.token) {
      const malformed = !/^[1-9]\d*:[^/]+$/.test(token);
      const words = malformed ? 'Unauthorized: invalid token specified' : 'Unauthorized';
      return { kind: 'refuse', error: new BotApiError(401, words) };
    }
    const fault = options.faults.next(record.method, record.payload);
    if (fault?.kind === 'refuse' || fault?.kind === 'hang') return fault;
    if (fault?.kind === 'dropBefore') return { kind: 'drop' };
    const outcome = await run(record, params, signal);
    return fault?.kind === 'dropAfter' ? { kind: 'drop' } : outcome;
  }

  async function run(record: RecordedCall, params: Params, signal: AbortSignal): Promise<Outcome> {
    try {
      if (record.method === DOWNLOAD) return findFile(options.world, record.payload);
      const name = record.method.toLowerCase();
      const method = methods.get(name);
      if (method === undefined) throw new BotApiError(404, 'Not Found: method not found');
      const chat = options.world.chats.get(params.integer('chat_id'));
      const wait = options.limits?.check(name, chat);
      if (wait !== undefined) throw tooManyRequests(wait);
      const noteDropped = (entities: NonNullable<RecordedCall['dropped']>) => {
        if (entities.length > 0) record.dropped = entities;
      };
      return { kind: 'answer', result: await method({ params, signal, noteDropped }) };
    } catch (error) {
      return refusal(error);
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was bound');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refusal(error: unknown): Outcome {
  if (error instanceof BotApiError) return { kind: 'refuse', error };
  // A mistake of the simulator's own: it should be seen, not taken for Telegram's doing.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'refuse', error: new BotApiError(500, `simulator failed: ${text}`) };
}

function findFile(world: World, payload: RecordedCall['payload']): Outcome {
  const file = [...world.files.values()].find(({ path }) => path === payload.path);
  if (file === undefined || file.size > DOWNLOAD_LIMIT) throw new BotApiError(404, 'Not Found');
  return { kind: 'file', bytes: file.bytes };
}

function write(response: ServerResponse, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'answer':
      writeJson(response, 200, { ok: true, result: outcome.result });
      break;
    case 'file':
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end(outcome.bytes);
      break;
    case 'refuse': {
      const { code, message: description, parameters } = outcome.error;
      const body = { ok: false, error_code: code, description };
      const full = parameters === undefined ? body : { ...body, parameters };
      writeJson(response, code, full, parameters?.retry_after);
      break;
    }
    default:
  }
}

function writeJson(
  response: ServerResponse,
  status: number,
  body: object,
  retryAfter?: number,
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  });
  response.end(JSON.stringify(body));
}
