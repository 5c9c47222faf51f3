import { z } from 'zod';

const fileId = z.object({
  channelId: z.string(),
  /** Absent for the file of a slash command, which belongs to no message. */
  messageId: z.string().exactOptional(),
  attachmentId: z.string(),
  /** Signed for about a day; the message has a fresh one. */
  url: z.string(),
});

/** Where an attachment is, so that it can be found again when its address has expired. */
export type FileId = z.infer<typeof fileId>;

export function encodeFileId(id: FileId): string {
  return JSON.stringify(id);
}

/** @throws when it is not what {@link encodeFileId} made */
export function decodeFileId(text: string): FileId {
  return fileId.parse(JSON.parse(text));
}
