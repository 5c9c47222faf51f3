/**
 * What Telegram sends, as far as Latchkey reads it (Bot API 10.3). Parsed at the edge: what is
 * needed to know whose message it is has to be there; a part of a message that is not as
 * documented is left out, and the rest is kept.
 */

import { z } from 'zod';
import { storable } from '../../chat/storable.ts';

const text = z.string().transform(storable);
const name = text.pipe(z.string().min(1));
const id = z.number().int();
/** Seconds since 1970, up to the last year of four digits: neither dates nor PostgreSQL know all others. */
const date = z.number().int().min(0).max(253_402_300_799);

/** Makes a field optional, and leaves it out where it is not as documented. */
function lenient<T extends z.ZodType>(schema: T) {
  return schema.optional().catch(undefined);
}

const userSchema = z.object({
  id,
  is_bot: z.boolean().catch(false),
  first_name: text.catch(''),
  last_name: lenient(text),
  username: lenient(text),
});

const chatSchema = z.object({
  id,
  type: z.enum(['private', 'group', 'supergroup', 'channel']),
  title: lenient(text),
});

const entitySchema = z.object({
  type: z.string(),
  offset: z.number().int().min(0),
  length: z.number().int().min(1),
  user: lenient(z.object({ id })),
  language: lenient(text),
});
const entities = lenient(z.array(entitySchema));

const documentSchema = z.object({
  file_id: name,
  file_name: lenient(text),
  mime_type: lenient(text),
  file_size: lenient(z.number().int().min(0)),
});

const photoSchema = z.array(
  z.object({
    file_id: name,
    width: z.number().catch(0),
    height: z.number().catch(0),
    file_size: lenient(z.number().int().min(0)),
  }),
);

const namedChat = lenient(z.object({ title: lenient(text), username: lenient(text) }));

const originSchema = z.object({
  sender_user: lenient(userSchema),
  sender_user_name: lenient(text),
  sender_chat: namedChat,
  chat: namedChat,
});

/** Whatever makes a message something that a person sent, and no notice of Telegram's own. */
const MEDIA = [
  'animation',
  'audio',
  'checklist',
  'contact',
  'dice',
  'game',
  'live_photo',
  'location',
  'paid_media',
  'poll',
  'rich_message',
  'sticker',
  'story',
  'venue',
  'video',
  'video_note',
  'voice',
] as const;
const media = Object.fromEntries(MEDIA.map((kind) => [kind, z.unknown().optional()]));

const files = {
  animation: z.unknown().optional(),
  document: lenient(documentSchema),
  photo: lenient(photoSchema),
};

const baseMessageSchema = z.object({
  ...media,
  ...files,
  message_id: id,
  ephemeral_message_id: lenient(id),
  message_thread_id: lenient(id),
  is_topic_message: lenient(z.boolean()),
  from: lenient(userSchema),
  sender_chat: lenient(z.object({ title: lenient(text) })),
  date,
  chat: chatSchema,
  guest_query_id: lenient(z.string()),
  business_connection_id: lenient(z.string()),
  forward_origin: lenient(originSchema),
  is_automatic_forward: lenient(z.boolean()),
  media_group_id: lenient(text.pipe(z.string().max(100))),
  text: lenient(text),
  entities,
  caption: lenient(text),
  caption_entities: entities,
  migrate_to_chat_id: lenient(id),
  migrate_from_chat_id: lenient(id),
  forum_topic_created: z.unknown().optional(),
});

const messageSchema = baseMessageSchema.extend({
  reply_to_message: lenient(baseMessageSchema),
  quote: lenient(z.object({ text, is_manual: lenient(z.boolean()) })),
  external_reply: lenient(z.object({ ...files, origin: originSchema })),
});

const callbackQuerySchema = z.object({
  id: name,
  from: userSchema,
  data: lenient(text),
  message: lenient(baseMessageSchema),
});

const stoppedSchema = z.object({
  chat: chatSchema,
  message_thread_id: lenient(id),
  draft_id: id,
});

const memberSchema = z.object({
  chat: chatSchema,
  new_chat_member: z.object({ status: z.string(), is_member: lenient(z.boolean()) }),
});

const updateSchema = z.object({
  update_id: id,
  message: messageSchema.optional(),
  edited_message: messageSchema.optional(),
  callback_query: callbackQuerySchema.optional(),
  stopped_message_generation: stoppedSchema.optional(),
  my_chat_member: memberSchema.optional(),
});

/** The kinds of updates that Latchkey asks Telegram for. */
export const ALLOWED_UPDATES = [
  'message',
  'edited_message',
  'callback_query',
  'my_chat_member',
  'stopped_message_generation',
] as const;

export type WireUser = z.infer<typeof userSchema>;
export type WireChat = z.infer<typeof chatSchema>;
export type WireEntity = z.infer<typeof entitySchema>;
export type WireOrigin = z.infer<typeof originSchema>;
export type WireBaseMessage = z.infer<typeof baseMessageSchema>;
export type WireMessage = z.infer<typeof messageSchema>;
export type WireUpdate = z.infer<typeof updateSchema>;
export type WireFiles = Pick<WireBaseMessage, 'animation' | 'document' | 'photo'>;

/** @returns undefined when it is no update as Telegram documents them. */
export function parseUpdate(raw: unknown): WireUpdate | undefined {
  const parsed = updateSchema.safeParse(raw);
  return parsed.success ? parsed.data : undefined;
}

/** A message that a person wrote or sent; not that a title changed, somebody joined and so on. */
export function hasContent(message: WireBaseMessage): boolean {
  return (
    message.text !== undefined ||
    message.caption !== undefined ||
    message.document !== undefined ||
    message.photo !== undefined ||
    MEDIA.some((kind) => Reflect.get(message, kind) !== undefined)
  );
}
