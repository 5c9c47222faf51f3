/** What an answer to an interaction needs beside its ids: the token, and what it is good for. */

import { z } from 'zod';

const handleSchema = z.object({
  applicationId: z.string().regex(/^\d{1,20}$/),
  /** Good for 15 minutes from the interaction on. */
  token: z.string().min(1),
  /** What it answers with is seen by one person alone. */
  ephemeral: z.boolean(),
  /** The bot itself may write there, and edit what it wrote after the token's end. */
  canSend: z.boolean(),
  /** Of the interaction: its snowflake says when the token was given out. */
  interactionId: z
    .string()
    .regex(/^\d{1,20}$/)
    .exactOptional(),
});

export type ReplyHandle = z.infer<typeof handleSchema>;

export function encodeReplyHandle(handle: ReplyHandle): string {
  return JSON.stringify(handle);
}

/** @returns undefined when it is not what {@link encodeReplyHandle} made */
export function parseReplyHandle(text: string | undefined): ReplyHandle | undefined {
  if (text === undefined) return undefined;
  try {
    return handleSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
