/** What a turn was asked, as it is sealed into its row. */

import { z } from 'zod';

/** The most that one turn may hold, in characters, all its messages together. */
export const TURN_TEXT_LIMIT = 60_000;

const file = z.object({
  id: z.string(),
  kind: z.enum(['text', 'image', 'other']),
  name: z.string(),
  mediaType: z.string(),
  size: z.number().exactOptional(),
});

const part = z.object({
  messageId: z.string(),
  text: z.string(),
  quoted: z
    .object({
      messageId: z.string(),
      authorName: z.string(),
      fromBot: z.boolean(),
      text: z.string(),
      files: z.array(file),
    })
    .exactOptional(),
  forwardedFrom: z.string().exactOptional(),
  files: z.array(file),
});

const turnInput = z.object({
  /** The sender's name at the time: untrusted. */
  authorName: z.string(),
  /** One for each message that the turn was made of, in their order. */
  parts: z.array(part),
  /** Of the first message; see `IncomingMessage.replyHandle`. */
  replyHandle: z.string().exactOptional(),
  /** Together they were more than a turn may hold: their words are gone, and the sender is to be told. */
  tooLong: z.boolean().exactOptional(),
});

export type TurnPart = z.infer<typeof part>;
export type TurnInput = z.infer<typeof turnInput>;

export function encodeTurnInput(input: TurnInput): string {
  return JSON.stringify(input);
}

/** @throws when it is not what {@link encodeTurnInput} made */
export function decodeTurnInput(text: string): TurnInput {
  return turnInput.parse(JSON.parse(text));
}
