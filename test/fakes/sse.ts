/** Server-sent events, with the ways in which they go wrong. */

import type { Behaviour } from './behaviour.ts';
import { chunksOf } from './behaviour.ts';
import { type Exchange, pause } from './http.ts';

export interface EventWriter {
  /** One event; with a name where the API names its events. */
  event(data: unknown, name?: string): void;
  comment(text: string): void;
}

/** The events of one API. */
export interface Dialect {
  begin(write: EventWriter): void;
  reasoning(write: EventWriter, text: string): void;
  text(write: EventWriter, text: string): void;
  error(write: EventWriter, kind: 'overloaded' | 'server-error' | 'rate-limited'): void;
  end(write: EventWriter): void;
}

/** Streams the text as the behaviour says. Returns when the response has ended or the client is gone. */
export async function streamAnswer(
  { response, gone }: Exchange,
  behaviour: Behaviour & { readonly text: string },
  dialect: Dialect,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  const write: EventWriter = {
    event: (data, name) =>
      response.write(
        `${name === undefined ? '' : `event: ${name}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
      ),
    comment: (text) => response.write(`: ${text}\n\n`),
  };

  dialect.begin(write);
  await pause(behaviour.silenceMs ?? 0, gone);
  for (let i = 0; i < (behaviour.reasoning ?? 0) && !gone.aborted; i++) {
    dialect.reasoning(write, `step ${i} `);
    await pause(behaviour.chunkDelayMs ?? 0, gone);
  }
  const chunks = chunksOf(behaviour.text, behaviour.atOnce ?? false);
  for (let sent = 0; sent <= chunks.length && !gone.aborted; sent++) {
    if (behaviour.hangAfter === sent) return pause(undefined, gone);
    if (behaviour.truncateAfter === sent) {
      response.end();
      return;
    }
    if (behaviour.breakAfter === sent) {
      // Let what was written leave first, so that exactly so many chunks arrive.
      await new Promise<void>((resolve) => response.write(': x\n\n', () => resolve()));
      await pause(10, gone);
      response.destroy();
      return;
    }
    if (behaviour.garbageAfter === sent) {
      write.event('{"id": "broken', 'message_delta');
      response.end();
      return;
    }
    if (behaviour.errorAfter?.chunks === sent) {
      dialect.error(write, behaviour.errorAfter.error);
      response.end();
      return;
    }
    const chunk = chunks[sent];
    if (chunk === undefined) break;
    dialect.text(write, chunk);
    if ((behaviour.chunkDelayMs ?? 0) > 0) await pause(behaviour.chunkDelayMs, gone);
  }
  if (gone.aborted) return;
  dialect.end(write);
  response.end();
}

/** Answers what comes before any dialect; true: the request has been dealt with. */
export async function answerEarly(exchange: Exchange, behaviour: Behaviour): Promise<boolean> {
  if (behaviour.hang === true) {
    await pause(undefined, exchange.gone);
    return true;
  }
  await pause(behaviour.delayMs ?? 0, exchange.gone);
  if (exchange.gone.aborted) return true;
  const raw =
    behaviour.raw ?? (behaviour.fail === 'html' ? { status: 502, body: HTML_ERROR } : undefined);
  if (raw === undefined) return false;
  const contentType = raw.body.startsWith('<') ? 'text/html' : 'application/json';
  exchange.response.writeHead(raw.status, {
    'content-type': contentType,
    ...('headers' in raw ? raw.headers : {}),
  });
  exchange.response.end(raw.body);
  return true;
}

export function retryAfterHeader(behaviour: Behaviour): Record<string, string> {
  return behaviour.retryAfter === undefined ? {} : { 'retry-after': String(behaviour.retryAfter) };
}

/** The key of a request, from either of the headers that providers take it in. */
export function keyOf(exchange: Exchange): string | undefined {
  const { authorization } = exchange.request.headers;
  const own = exchange.request.headers['x-api-key'];
  if (typeof own === 'string') return own;
  return authorization?.startsWith('Bearer ') === true ? authorization.slice(7) : undefined;
}

/** A rough count, the same for the same text: one token for each four characters. */
export function fakeTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

const HTML_ERROR =
  '<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>';
