import type { FileReference } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import type { Secret } from '../../secret.ts';
import type { BotApi } from './bot-api.ts';
import { refusedAsTooBig, toPlatformError } from './errors.ts';

export interface DownloadParts {
  readonly api: BotApi;
  readonly token: Secret;
  readonly apiRoot: string;
  /** In milliseconds, for the whole file. */
  readonly timeoutMs: number;
}

/** @throws PlatformError whose message names neither the address nor the token in it */
export async function download(
  { api, token, apiRoot, timeoutMs }: DownloadParts,
  file: FileReference,
  maxBytes: number,
): Promise<Uint8Array> {
  if ((file.size ?? 0) > maxBytes) throw tooLarge();
  const path = await filePath(api, file.id, maxBytes);
  const root = apiRoot.replace(/\/+$/, '');
  try {
    const response = await fetch(`${root}/file/bot${token.reveal()}/${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw response.status >= 500 || response.status === 429
        ? new PlatformError('unreachable', `Telegram answered ${response.status} to a download`)
        : new PlatformError('gone', `Telegram answered ${response.status} to a download`);
    }
    return await readAtMost(response.body, maxBytes);
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    // What fetch says of a failure may hold the address, and the address holds the token.
    throw new PlatformError('unreachable', 'A file could not be fetched from Telegram');
  }
}

async function filePath(api: BotApi, fileId: string, maxBytes: number): Promise<string> {
  try {
    const { file_path: path, file_size: size = 0 } = await api.sending.getFile(fileId);
    if (size > maxBytes) throw tooLarge();
    if (path === undefined) throw new PlatformError('gone', 'Telegram does not have the file');
    return path.split('/').map(encodeURIComponent).join('/');
  } catch (error) {
    // Telegram gives bots no files over 20 MB.
    if (refusedAsTooBig(error)) throw tooLarge();
    throw toPlatformError(error);
  }
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

function tooLarge(): PlatformError {
  return new PlatformError('too-large', 'The file has more bytes than are taken');
}
