import { cleanFileName, fileKind } from '../../chat/file-kind.ts';
import type { FileReference } from '../../chat/message.ts';
import type { WireFiles } from './wire.ts';

/** Bytes. Providers take images up to about this; Telegram offers smaller ones of each photo. */
const MAX_PHOTO_BYTES = 5_000_000;

/**
 * The photo or the document of a message. Voice, video, stickers and animations are no files: the
 * message comes without them.
 */
export function filesOf(message: WireFiles): readonly FileReference[] {
  const photo = photoOf(message);
  if (photo !== undefined) return [photo];
  // For old clients' sake an animation is also listed as a document.
  if (message.document === undefined || message.animation !== undefined) return [];
  const { file_id, file_name, mime_type, file_size } = message.document;
  const name = cleanFileName(file_name ?? 'file');
  const { kind, mediaType } = fileKind(name, mime_type?.toLowerCase());
  return [
    { id: file_id, kind, name, mediaType, ...(file_size === undefined ? {} : { size: file_size }) },
  ];
}

function photoOf(message: WireFiles): FileReference | undefined {
  const sizes = [...(message.photo ?? [])].sort((a, b) => a.width * a.height - b.width * b.height);
  const largest =
    sizes.findLast(({ file_size }) => (file_size ?? 0) <= MAX_PHOTO_BYTES) ?? sizes[0];
  if (largest === undefined) return undefined;
  return {
    id: largest.file_id,
    kind: 'image',
    name: 'photo.jpg',
    mediaType: 'image/jpeg',
    ...(largest.file_size === undefined ? {} : { size: largest.file_size }),
  };
}
