/** Reads a request as Telegram does: JSON, a form, an upload, or the query string. */

import type { IncomingMessage } from 'node:http';
import { BotApiError, badRequest } from './api-error.ts';
import { parseMultipart } from './multipart.ts';
import { Params, type UploadedFile } from './params.ts';

/** In bytes. */
const BODY_LIMIT = 50 * 1024 * 1024;

export interface ReadRequest {
  readonly params: Params;
  /** For the record: values as they were meant, files as `{name, mime, bytes}`. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** @throws BotApiError when it cannot be read */
export async function readRequest(request: IncomingMessage, url: URL): Promise<ReadRequest> {
  const body = await readBody(request);
  const type = request.headers['content-type'] ?? '';
  const entries: [string, unknown][] = [...url.searchParams].map(([key, value]) => [
    key,
    revive(key, value),
  ]);
  if (type.startsWith('application/json')) entries.push(...jsonEntries(body));
  else if (body.length > 0) entries.push(...formEntries(body, type));
  const fields = new Map<string, string>();
  const files = new Map<string, UploadedFile>();
  for (const [key, value] of entries) {
    if (value === null || value === undefined) continue;
    if (isUpload(value)) files.set(key, value);
    else fields.set(key, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return { params: new Params(fields, files), payload: Object.fromEntries(entries) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > BODY_LIMIT) throw new BotApiError(413, 'Request Entity Too Large');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function jsonEntries(body: Buffer): [string, unknown][] {
  if (body.length === 0) return [];
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw badRequest('failed to parse JSON request');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('JSON object expected');
  }
  return Object.entries(value);
}

function formEntries(body: Buffer, type: string): [string, unknown][] {
  const parts = type.startsWith('multipart/form-data')
    ? parseMultipart(body, type)
    : new URLSearchParams(body.toString('utf8'));
  return [...parts].map(([key, value]) => [
    key,
    typeof value === 'string' ? revive(key, value) : value,
  ]);
}

/** Forms carry everything as text; words of people stay what they are. */
function revive(key: string, value: string): unknown {
  if (['text', 'caption', 'description', 'document', 'photo'].includes(key)) return value;
  if (!/^(?:-?\d{1,15}|true|false|\{.*\}|\[.*\])$/s.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function isUpload(value: unknown): value is UploadedFile {
  return typeof value === 'object' && value !== null && 'bytes' in value && 'mime' in value
    ? value.bytes instanceof Uint8Array
    : false;
}
