import { PlatformError } from '../platform.ts';

export interface FetchFileOptions {
  readonly maxBytes: number;
  /** In milliseconds, for the whole file. */
  readonly timeoutMs: number;
  /** The platform's name, for errors. */
  readonly from: string;
}

/** @throws PlatformError whose message does not name the address, which may hold a secret */
export async function fetchFile(
  url: string,
  { maxBytes, timeoutMs, from }: FetchFileOptions,
): Promise<Uint8Array> {
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
        `${from} answered ${response.status} to a download`,
      );
    }
    return await readAtMost(response.body, maxBytes);
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    // What fetch says of a failure may hold the address.
    throw new PlatformError('unreachable', `A file could not be fetched from ${from}`);
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

export function tooLarge(): PlatformError {
  return new PlatformError('too-large', 'The file has more bytes than are taken');
}
