/** The shapes of messages that the bot sends. Unknown keys are refused: they would be mistakes. */

import {
  AllowedMentionsTypes,
  type APIAllowedMentions,
  type APIEmbed,
  type APIInteractionResponseCallbackData,
  type RESTAPIAttachment,
  type RESTPatchAPIChannelMessageJSONBody,
  type RESTPatchAPIWebhookWithTokenMessageJSONBody,
  type RESTPostAPIChannelMessageJSONBody,
} from 'discord-api-types/v10';
import { z } from 'zod';
import { componentList } from './shape-components.ts';

export const snowflake = z.string().regex(/^\d{17,20}$/);

const idList = z.array(snowflake).max(100);

const allowedMentions = z
  .strictObject({
    parse: z.array(z.enum(AllowedMentionsTypes)).exactOptional(),
    users: idList.exactOptional(),
    roles: idList.exactOptional(),
    replied_user: z.boolean().exactOptional(),
  })
  .refine(
    ({ parse = [], users = [], roles = [] }) =>
      !(parse.includes(AllowedMentionsTypes.User) && users.length > 0) &&
      !(parse.includes(AllowedMentionsTypes.Role) && roles.length > 0),
    { message: 'parse and a list of the same kind exclude one another' },
  ) satisfies z.ZodType<APIAllowedMentions>;

const text = (max: number) => z.string().max(max);

const embed = z.strictObject({
  title: text(256).exactOptional(),
  description: text(4096).exactOptional(),
  url: z.url().exactOptional(),
  timestamp: z.iso.datetime({ offset: true }).exactOptional(),
  color: z.int().min(0).max(0xffffff).exactOptional(),
  footer: z.strictObject({ text: text(2048), icon_url: z.url().exactOptional() }).exactOptional(),
  author: z.strictObject({ name: text(256), url: z.url().exactOptional() }).exactOptional(),
  fields: z
    .array(
      z.strictObject({ name: text(256), value: text(1024), inline: z.boolean().exactOptional() }),
    )
    .max(25)
    .exactOptional(),
}) satisfies z.ZodType<APIEmbed>;

const attachment = z.strictObject({
  id: z.union([snowflake, z.int().min(0).max(9), z.string().regex(/^\d$/)]),
  filename: text(1024).min(1).optional(),
  title: text(1024).optional(),
  description: text(1024).optional(),
  is_spoiler: z.boolean().optional(),
}) satisfies z.ZodType<RESTAPIAttachment>;

/** discord.js sends these with every message, also where they mean nothing; true is refused there. */
const always = {
  tts: z.literal(false).optional(),
  enforce_nonce: z.literal(false).optional(),
};

const contents = {
  content: text(2000).optional(),
  embeds: z.array(embed).max(10).optional(),
  components: componentList.optional(),
  allowed_mentions: allowedMentions.optional(),
  attachments: z.array(attachment).max(10).optional(),
  flags: z.int().optional(),
};

const edits = {
  ...always,
  content: text(2000).nullish(),
  embeds: z.array(embed).max(10).nullish(),
  components: componentList.nullish(),
  allowed_mentions: allowedMentions.nullish(),
  attachments: z.array(attachment).max(10).optional(),
  flags: z.int().nullish(),
};

export const newMessage = z.strictObject({
  ...contents,
  tts: z.boolean().optional(),
  nonce: z.union([text(25), z.int()]).optional(),
  enforce_nonce: z.boolean().optional(),
  message_reference: z
    .strictObject({
      type: z.literal(0).optional(),
      message_id: snowflake,
      channel_id: snowflake.optional(),
      guild_id: snowflake.optional(),
      fail_if_not_exists: z.boolean().optional(),
    })
    .optional(),
}) satisfies z.ZodType<RESTPostAPIChannelMessageJSONBody>;

export const messageEdit = z.strictObject(
  edits,
) satisfies z.ZodType<RESTPatchAPIChannelMessageJSONBody>;

export const answer = z.strictObject({
  ...contents,
  tts: z.boolean().optional(),
  enforce_nonce: z.literal(false).optional(),
}) satisfies z.ZodType<APIInteractionResponseCallbackData>;

export const answerEdit = z.strictObject(
  edits,
) satisfies z.ZodType<RESTPatchAPIWebhookWithTokenMessageJSONBody>;

export type NewMessage = z.infer<typeof newMessage>;
export type MessageEdit = z.infer<typeof messageEdit>;
export type Answer = z.infer<typeof answer>;
