/** Fetches the files of a turn: text into the prompt, images for models that see. */

import { PlatformError, type PlatformSender } from '../chat/platform.ts';
import type { TurnInput } from '../chat/turn-input.ts';
import { detectKeys } from '../keys/detection.ts';
import type { ContentPart } from '../llm/provider.ts';
import type { FetchedText } from './prompt.ts';

/** Limits that are named to the user, in bytes. */
export const TEXT_FILE_LIMIT = 256 * 1024;
export const IMAGE_LIMIT = 5 * 1024 * 1024;
/** Files of one turn; further ones are left out and named. */
export const FILES_LIMIT = 10;

export type SkippedFile = {
  readonly name: string;
  readonly reason: 'too-large' | 'not-text' | 'cannot-see' | 'too-many' | 'gone';
};

export interface FetchedFiles {
  readonly texts: ReadonlyMap<string, FetchedText>;
  readonly images: readonly ContentPart[];
  readonly skipped: readonly SkippedFile[];
  /** The messages whose files hold an API key: nothing of this turn may be sent on. */
  readonly messagesWithKeys: readonly string[];
}

type FileReference = TurnInput['parts'][number]['files'][number];

export async function fetchFiles(
  input: TurnInput,
  { sender, seesImages }: { readonly sender: PlatformSender; readonly seesImages: boolean },
): Promise<FetchedFiles> {
  const texts = new Map<string, FetchedText>();
  const images: ContentPart[] = [];
  const skipped: SkippedFile[] = [];
  const messagesWithKeys: string[] = [];

  const references = input.parts.flatMap((part) => [
    ...(part.quoted?.files ?? []).map((file) => ({
      file,
      messageId: part.quoted?.messageId ?? '',
    })),
    ...part.files.map((file) => ({ file, messageId: part.messageId })),
  ]);
  for (const { file } of references.slice(FILES_LIMIT)) {
    skipped.push({ name: file.name, reason: 'too-many' });
  }

  for (const { file, messageId } of references.slice(0, FILES_LIMIT)) {
    const refusal = refuse(file, seesImages);
    if (refusal !== undefined) {
      skipped.push({ name: file.name, reason: refusal });
      continue;
    }
    const bytes = await download(sender, file);
    if (typeof bytes === 'string') {
      skipped.push({ name: file.name, reason: bytes });
    } else if (file.kind === 'image') {
      images.push({ type: 'image', mediaType: file.mediaType, data: bytes });
    } else {
      const text = decodeText(bytes);
      if (text === undefined) {
        skipped.push({ name: file.name, reason: 'not-text' });
      } else if (detectKeys(text).length > 0) {
        messagesWithKeys.push(messageId);
      } else {
        texts.set(file.id, { name: file.name, text });
      }
    }
  }
  return { texts, images, skipped, messagesWithKeys };
}

function refuse(file: FileReference, seesImages: boolean): SkippedFile['reason'] | undefined {
  if (file.kind === 'other') return 'not-text';
  if (file.kind === 'image' && !seesImages) return 'cannot-see';
  return file.size !== undefined && file.size > limitOf(file) ? 'too-large' : undefined;
}

function limitOf(file: FileReference): number {
  return file.kind === 'image' ? IMAGE_LIMIT : TEXT_FILE_LIMIT;
}

async function download(
  sender: PlatformSender,
  file: FileReference,
): Promise<Uint8Array | 'too-large' | 'gone'> {
  try {
    return await sender.download(file, limitOf(file));
  } catch (error) {
    if (!(error instanceof PlatformError) || error.retryable) throw error;
    return error.code === 'too-large' ? 'too-large' : 'gone';
  }
}

/** UTF-8, or UTF-16 with a byte order mark; undefined for anything else. */
function decodeText(bytes: Uint8Array): string | undefined {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
