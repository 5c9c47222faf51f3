import type { FileReference } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import type { DiscordApi } from './api.ts';
import { toPlatformError } from './errors.ts';
import { decodeFileId, type FileId } from './file-id.ts';

export interface DownloadParts {
  readonly api: DiscordApi;
  readonly apiRoot: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** In milliseconds, for the whole file. */
  readonly timeoutMs: number;
}

/** Where Discord keeps attachments. */
const HOSTS = new Set(['cdn.discordapp.com', 'media.discordapp.net']);
/** Milliseconds before an address expires from which a fresh one is asked for. */
const MARGIN_MS = 10_000;

/** @throws PlatformError whose message names no address */
export async function download(
  parts: DownloadParts,
  file: FileReference,
  maxBytes: number,
): Promise<Uint8Array> {
  if ((file.size ?? 0) > maxBytes) throw tooLarge();
  const id = parseId(file.id);
  if (!isExpired(id.url, parts.now())) {
    try {
      return await fetchFile(parts, id.url, maxBytes);
    } catch (error) {
      if (toPlatformError(error).code !== 'gone' || id.messageId === undefined) throw error;
    }
  }
  return await fetchFile(parts, await freshUrl(parts.api, id), maxBytes);
}

function parseId(text: string): FileId {
  try {
    return decodeFileId(text);
  } catch {
    throw new PlatformError('gone', 'There can be no such file');
  }
}

/** The address says when it expires: `ex`, in hexadecimal seconds since 1970. */
function isExpired(url: string, now: number): boolean {
  const seconds = Number.parseInt(URL.parse(url)?.searchParams.get('ex') ?? '', 16);
  return Number.isFinite(seconds) && seconds * 1000 - MARGIN_MS < now;
}

/** A message always comes with addresses that work. */
async function freshUrl(api: DiscordApi, id: FileId): Promise<string> {
  if (id.messageId === undefined) throw gone();
  let found: { readonly id: string; readonly url: string } | undefined;
  try {
    const { attachments } = await api.message(id.channelId, id.messageId);
    found = attachments.find((attachment) => attachment.id === id.attachmentId);
  } catch (error) {
    throw toPlatformError(error, 'history');
  }
  if (found === undefined) throw gone();
  return found.url;
}

async function fetchFile(
  { apiRoot, timeoutMs }: DownloadParts,
  url: string,
  maxBytes: number,
): Promise<Uint8Array> {
  if (!isDiscords(url, apiRoot)) throw gone();
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      const isPassing = response.status >= 500 || response.status === 429;
      throw new PlatformError(
        isPassing ? 'unreachable' : 'gone',
        `Discord answered ${response.status} to a download`,
      );
    }
    return await readAtMost(response.body, maxBytes);
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    // What fetch says of a failure may hold the address, and the address is signed.
    throw new PlatformError('unreachable', 'A file could not be fetched from Discord');
  }
}

/** Nothing else is asked for what somebody attached. */
function isDiscords(url: string, apiRoot: string): boolean {
  const parsed = URL.parse(url);
  if (parsed === null) return false;
  if (parsed.protocol === 'https:' && HOSTS.has(parsed.host)) return true;
  return parsed.origin === new URL(apiRoot).origin;
}

async function readAtMost(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the rest of the body.
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

function gone(): PlatformError {
  return new PlatformError('gone', 'Discord does not have the file any more');
}

function tooLarge(): PlatformError {
  return new PlatformError('too-large', 'The file has more bytes than are taken');
}
