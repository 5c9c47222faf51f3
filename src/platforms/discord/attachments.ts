import type { APIAttachment } from 'discord-api-types/v10';
import { cleanFileName, fileKind } from '../../chat/file-kind.ts';
import type { FileReference } from '../../chat/message.ts';
import { storable } from '../../chat/storable.ts';
import { encodeFileId } from './file-id.ts';

/** @param from the message that carries them; absent for the file of a slash command */
export function filesOf(
  attachments: readonly APIAttachment[],
  from: { readonly channelId: string; readonly messageId?: string },
): readonly FileReference[] {
  return attachments.map(({ id, url, filename, content_type, size }) => {
    const name = cleanFileName(filename);
    // As in `text/plain; charset=utf-8`.
    const mediaType = storable(content_type?.split(';', 1)[0] ?? '')
      .trim()
      .toLowerCase();
    return {
      id: encodeFileId({ ...from, attachmentId: id, url }),
      ...fileKind(name, mediaType),
      name,
      size,
    };
  });
}
