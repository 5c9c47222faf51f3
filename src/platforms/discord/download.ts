import type { FileReference } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import { fetchFile, tooLarge } from '../../chat/sending/fetch-file.ts';
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
      return await fetchAttachment(parts, id.url, maxBytes);
    } catch (error) {
      if (toPlatformError(error).code !== 'gone' || id.messageId === undefined) throw error;
    }
  }
  return await fetchAttachment(parts, await freshUrl(parts.api, id), maxBytes);
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

/** The address is signed. */
async function fetchAttachment(
  { apiRoot, timeoutMs }: DownloadParts,
  url: string,
  maxBytes: number,
): Promise<Uint8Array> {
  if (!isDiscords(url, apiRoot)) throw gone();
  return fetchFile(url, { maxBytes, timeoutMs, from: 'Discord' });
}

/** Nothing else is asked for what somebody attached. */
function isDiscords(url: string, apiRoot: string): boolean {
  const parsed = URL.parse(url);
  if (parsed === null) return false;
  if (parsed.protocol === 'https:' && HOSTS.has(parsed.host)) return true;
  return parsed.origin === new URL(apiRoot).origin;
}

function gone(): PlatformError {
  return new PlatformError('gone', 'Discord does not have the file any more');
}
