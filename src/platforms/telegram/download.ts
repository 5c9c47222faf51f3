import type { FileReference } from '../../chat/message.ts';
import { PlatformError } from '../../chat/platform.ts';
import { fetchFile, tooLarge } from '../../chat/sending/fetch-file.ts';
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
  // The address holds the token.
  const address = `${root}/file/bot${token.reveal()}/${path}`;
  return fetchFile(address, { maxBytes, timeoutMs, from: 'Telegram' });
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
