/** The requests that the sender makes. Errors are the REST client's own: for this folder only. */

import type { RawFile } from '@discordjs/rest';
import {
  type APIActionRowComponent,
  type APIButtonComponent,
  MessageFlags,
  type RESTPatchAPIChannelMessageJSONBody,
  type RESTPostAPIChannelMessageJSONBody,
  Routes,
} from 'discord-api-types/v10';
import { z } from 'zod';
import type { ReplyHandle } from './reply-handle.ts';
import type { Rest } from './rest.ts';

export type Rows = APIActionRowComponent<APIButtonComponent>[];

export interface AttachedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Plain text, where it is not said. */
  readonly mediaType?: string;
  readonly picture?: { readonly alt: string };
}

export interface Body {
  /** At most 2000 UTF-16 units, not empty. */
  readonly content: string;
  /** None where there are to be none: an edit takes away those that were there. */
  readonly components: Rows;
  readonly files?: readonly AttachedFile[];
}

export interface Placement {
  /** What makes Discord take a message once, for some minutes. At most 25 characters. */
  readonly nonce: string;
  readonly replyTo?: string | undefined;
}

const id = z.string().regex(/^\d{1,20}$/);
const messageSchema = z.object({
  id,
  content: z.string().catch(''),
  flags: z.number().int().catch(0),
  attachments: z.array(z.object({ id, url: z.string() })).catch([]),
  components: z.array(z.looseObject({ components: z.array(z.looseObject({})) })).catch([]),
});

export type WireMessage = z.infer<typeof messageSchema>;

/** Of an attachment's description, in UTF-16 units. */
const MAX_ALT = 1024;

/** Nobody is pinged, and no page is fetched with what a model was made to say. */
const QUIET = {
  allowed_mentions: { parse: [] },
  flags: MessageFlags.SuppressEmbeds,
} satisfies RESTPatchAPIChannelMessageJSONBody;

export class DiscordApi {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  send(channelId: string, body: Body, { nonce, replyTo }: Placement): Promise<WireMessage> {
    const json: RESTPostAPIChannelMessageJSONBody = {
      ...jsonOf(body),
      nonce,
      enforce_nonce: true,
      ...(replyTo === undefined
        ? {}
        : { message_reference: { message_id: replyTo, fail_if_not_exists: false } }),
    };
    return this.#bot('post', Routes.channelMessages(channelId), json, body);
  }

  edit(channelId: string, messageId: string, body: Body): Promise<WireMessage> {
    return this.#bot('patch', Routes.channelMessage(channelId, messageId), jsonOf(body), body);
  }

  async message(channelId: string, messageId: string): Promise<WireMessage> {
    this.#rest.refusals.check();
    const route = Routes.channelMessage(channelId, messageId);
    return messageSchema.parse(await this.#rest.bot.get(route));
  }

  async delete(channelId: string, messageId: string): Promise<void> {
    this.#rest.refusals.check();
    await this.#rest.bot.delete(Routes.channelMessage(channelId, messageId));
  }

  async typing(channelId: string): Promise<void> {
    this.#rest.refusals.check();
    await this.#rest.bot.post(Routes.channelTyping(channelId));
  }

  /** @returns the channel's id */
  async openDirect(userId: string): Promise<string> {
    this.#rest.refusals.check();
    const body = { recipient_id: userId };
    return z.object({ id }).parse(await this.#rest.bot.post(Routes.userChannels(), { body })).id;
  }

  /** Begins a thread at a message. Its id is the message's. */
  async startThread(channelId: string, messageId: string, name: string): Promise<void> {
    this.#rest.refusals.check();
    await this.#rest.bot.post(Routes.threads(channelId, messageId), { body: { name } });
  }

  /** The first response to an interaction, or the message whose button was pressed. */
  async original(handle: ReplyHandle): Promise<WireMessage> {
    this.#rest.refusals.check();
    const answer = await this.#rest.interactions.get(message(handle), { auth: false });
    return messageSchema.parse(answer);
  }

  editOriginal(handle: ReplyHandle, body: Body): Promise<WireMessage> {
    return this.#interaction('patch', message(handle), jsonOf(body), body);
  }

  /** Of the message whose button was pressed; what it says stays. */
  async setButtons(handle: ReplyHandle, components: WireMessage['components']): Promise<void> {
    this.#rest.refusals.check();
    const body = { components, allowed_mentions: QUIET.allowed_mentions };
    await this.#rest.interactions.patch(message(handle), { body, auth: false });
  }

  async deleteOriginal(handle: ReplyHandle): Promise<void> {
    this.#rest.refusals.check();
    await this.#rest.interactions.delete(message(handle), { auth: false });
  }

  followUp(handle: ReplyHandle, body: Body, ephemeral: boolean): Promise<WireMessage> {
    const flags = ephemeral ? QUIET.flags | MessageFlags.Ephemeral : QUIET.flags;
    const route = Routes.webhook(handle.applicationId, handle.token);
    return this.#interaction('post', route, { ...jsonOf(body), flags }, body);
  }

  editFollowUp(handle: ReplyHandle, messageId: string, body: Body): Promise<WireMessage> {
    return this.#interaction('patch', message(handle, messageId), jsonOf(body), body);
  }

  async #bot(
    method: 'post' | 'patch',
    route: `/${string}`,
    json: object,
    { files }: Body,
  ): Promise<WireMessage> {
    this.#rest.refusals.check();
    const answer = await this.#rest.bot[method](route, { body: json, ...attached(files) });
    return messageSchema.parse(answer);
  }

  async #interaction(
    method: 'post' | 'patch',
    route: `/${string}`,
    json: object,
    { files }: Body,
  ): Promise<WireMessage> {
    this.#rest.refusals.check();
    const options = { body: json, auth: false, ...attached(files) };
    return messageSchema.parse(await this.#rest.interactions[method](route, options));
  }
}

function message({ applicationId, token }: ReplyHandle, messageId = '@original'): `/${string}` {
  return Routes.webhookMessage(applicationId, token, messageId);
}

function jsonOf({ content, components, files = [] }: Body) {
  const described = files.some(({ picture }) => picture !== undefined);
  return { ...QUIET, content, components, ...(described ? { attachments: listed(files) } : {}) };
}

/** What is uploaded, by its place among the files, with what is read to those who do not see it. */
function listed(files: readonly AttachedFile[]) {
  return files.map(({ name, picture }, id) => ({
    id,
    filename: name,
    ...(picture === undefined ? {} : { description: picture.alt.slice(0, MAX_ALT) }),
  }));
}

function attached(files: Body['files']): { files?: RawFile[] } {
  if (files === undefined || files.length === 0) return {};
  return {
    files: files.map(({ name, bytes, mediaType = 'text/plain' }) => ({
      name,
      data: bytes,
      contentType: mediaType.startsWith('image/') ? mediaType : `${mediaType}; charset=utf-8`,
    })),
  };
}
