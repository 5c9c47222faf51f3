/** What tests see of the simulator: the people, their doings, what they see, and faults. */

import type {
  APIApplicationCommand,
  APIMessage,
  APIModalInteractionResponseCallbackData,
} from 'discord-api-types/v10';
import type { FakeGateway } from './types-gateway.ts';
import type { SeenInteraction, SeenMessage } from './types-seen.ts';

export interface FakeDiscordOptions {
  /** Whether the Message Content intent is switched on in the developer portal. Default false. */
  readonly messageContent?: boolean;
  /** Whether Server Members is. Default false. */
  readonly guildMembers?: boolean;
  /** Whether Presence is. Default false. */
  readonly presence?: boolean;
  /** Default: Discord's own. `false` switches them off. */
  readonly rates?: Partial<Rates> | false;
  /** Milliseconds between heartbeats. Default 41250. */
  readonly heartbeatMs?: number;
  /** Default `latchkey`. */
  readonly botName?: string;
  /** How many connections Discord advises. Default 1. */
  readonly shards?: number;
  /** How many of them may begin a session in the same five seconds. Default 16, and nobody is held to it. */
  readonly maxConcurrency?: number;
}

export interface Rates {
  /** Requests to one route of one channel (or interaction) in {@link Rates.windowMs}. Default 5. */
  readonly perRoute: number;
  /** Default 5000. */
  readonly windowMs: number;
  /** Requests with the bot's token in a second; interaction endpoints are not counted. Default 50. */
  readonly perSecond: number;
}

export interface NewUser {
  readonly name: string;
  readonly bot?: boolean;
  /** Whether the app is installed to the user's account. Default false. */
  readonly installed?: boolean;
  /** Default `en-US`. */
  readonly locale?: string;
}

export interface NewGuild {
  readonly name: string;
  /** Default: the first of the members. */
  readonly owner?: FakeUser;
  readonly members?: readonly FakeUser[];
  /** Whether the bot is a member. Default true. */
  readonly hasBot?: boolean;
  /** `PermissionFlagsBits` of the bot. Default `usualBotPermissions`. */
  readonly botPermissions?: bigint;
  /** Whether apps of users may answer in public here. Default true. */
  readonly externalApps?: boolean;
}

export interface NewChannel {
  readonly name: string;
  /** Where the bot's permissions differ from those in the guild. */
  readonly botPermissions?: bigint;
}

export interface NewThread {
  readonly name: string;
  /** The message that it starts from; the thread then has the message's id. */
  readonly from?: SeenMessage;
  /** Whether the bot is a member of a private thread. Default true. */
  readonly hasBot?: boolean;
  readonly isPrivate?: boolean;
}

export interface FakeGuild {
  readonly id: string;
  readonly name: string;
  /** The role of everybody has the guild's id; others are made by {@link FakeDiscord.addRole}. */
  readonly everyone: FakeRole;
}

export interface FakeRole {
  readonly id: string;
  readonly name: string;
  /** Whether anybody may mention it. */
  readonly mentionable: boolean;
}

export interface FakeChannel {
  readonly id: string;
  readonly kind: 'text' | 'thread' | 'dm' | 'groupDm';
  readonly name: string;
  readonly guildId: string | undefined;
  /** Of a thread. */
  readonly parentId: string | undefined;
}

export interface NewFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mime?: string;
  /** What Discord says of the size, where it shall differ from the bytes. */
  readonly size?: number;
}

/** What more a message of a person can carry. */
export interface SayExtra {
  readonly replyTo?: SeenMessage;
  /** Whether the reply pings the author. Default true. */
  readonly pings?: boolean;
  readonly attachments?: readonly NewFile[];
  /** Any other field of the message (embeds, stickers, a type, snapshots of a forward …). */
  readonly fields?: Partial<APIMessage>;
}

/** A file is an attachment option; everything else is sent as the command's option is declared. */
export type OptionValue = string | number | boolean | NewFile | FakeUser;

export interface FakeUser {
  readonly id: string;
  readonly name: string;
  /** `<@id>` */
  readonly mention: string;

  says(channel: FakeChannel, text: string, extra?: SayExtra): SeenMessage;
  edits(message: SeenMessage, text: string): SeenMessage;
  deletes(message: SeenMessage): void;
  /**
   * Runs a slash command as registered. Subcommands: `'settings show'`.
   * @throws when the person sees no such command there, or the client would refuse the options
   */
  slash(
    command: string,
    options: Readonly<Record<string, OptionValue>>,
    where: FakeChannel,
  ): SeenInteraction;
  /** A command of the context menu of a message. @throws when it is not offered there */
  messageCommand(command: string, message: SeenMessage): SeenInteraction;
  /** @param button its custom_id or its label. @throws when the message shows no such button */
  presses(message: SeenMessage, button: string): SeenInteraction;
  /** Chooses in a select menu of a message. */
  chooses(message: SeenMessage, customId: string, values: readonly string[]): SeenInteraction;
  /**
   * Submits the modal that an interaction opened.
   * @param values by custom_id: a text, or the values chosen; absent: left empty
   * @throws where the client would refuse them (required, lengths, unknown), unless `anyway`
   */
  submits(
    opened: SeenInteraction,
    values: Readonly<Record<string, string | readonly string[]>>,
    how?: { readonly anyway?: boolean },
  ): SeenInteraction;
  /** Types into an option with autocomplete; the answer is in `choices`. */
  autocompletes(
    command: string,
    option: string,
    typed: string,
    where: FakeChannel,
    others?: Readonly<Record<string, OptionValue>>,
  ): SeenInteraction;
  types(channel: FakeChannel): void;
  /** From then on direct messages of the bot are refused (50007). */
  blocks(): void;
  unblocks(): void;
  installs(): void;
  uninstalls(): void;
}

/** One request, in the order of arrival. */
export interface RecordedCall {
  readonly method: string;
  /** Without `/api/v10` and the query; decoded once. */
  readonly path: string;
  /**
   * As `POST /channels/:channel/messages`, `PATCH /webhooks/:application/:token/messages/:message`,
   * `POST /interactions/:interaction/:token/callback`; the keys of the `routes-*.ts` are all there are.
   */
  readonly route: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly files: readonly NewFile[];
  /** Whether the bot's token came with it. */
  readonly authorized: boolean;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** By the simulator's clock, in milliseconds. */
  readonly at: number;
  /** HTTP status of the answer; 0 while there is none, or when the connection was broken. */
  status: number;
  /** Discord's code of a refusal. */
  code?: number;
  /** What Discord says of a refusal: the body of the answer. */
  refusal?: string;
}

export interface FaultRule {
  /** As {@link RecordedCall.route}. */
  readonly route: string | RegExp;
  /** How often; default: always, until {@link FakeDiscord.clearFaults}. */
  readonly times?: number;
  /** Default 500, or 429 with `retryAfter`. */
  readonly status?: number;
  /** Discord's code. Default 0. */
  readonly code?: number;
  readonly message?: string;
  /** In seconds, with the headers that Discord sends. */
  readonly retryAfter?: number;
  /** Of a 429: whether it is for the bot as a whole, for a shared resource, or for the route. */
  readonly scope?: 'global' | 'shared' | 'user';
  /** Waits before it does the work and answers. */
  readonly slowMs?: number;
  /** Never answers (until close). */
  readonly hang?: boolean;
  /** Does the work, then breaks the connection without an answer. */
  readonly dropAfter?: boolean;
  /** Breaks the connection without doing the work. */
  readonly dropBefore?: boolean;
  readonly when?: (call: RecordedCall) => boolean;
}

export interface FakeDiscord {
  /** For `rest.api` and `DISCORD_API_ROOT`: `http://127.0.0.1:PORT/api`, without the version. */
  readonly apiRoot: string;
  /** `http://127.0.0.1:PORT`: attachments live below it. */
  readonly cdnRoot: string;
  /** The only token that it takes. */
  readonly token: string;
  readonly applicationId: string;
  readonly botId: string;
  /** `<@botId>` */
  readonly botMention: string;

  addUser(user: NewUser): FakeUser;
  addGuild(guild: NewGuild): FakeGuild;
  addMember(guild: FakeGuild, user: FakeUser): void;
  /** Without a word to the bot, which has no intent for that. */
  removeMember(guild: FakeGuild, user: FakeUser): void;
  addRole(guild: FakeGuild, name: string, members?: readonly FakeUser[]): FakeRole;
  addChannel(guild: FakeGuild, channel: NewChannel): FakeChannel;
  addThread(channel: FakeChannel, thread: NewThread): FakeChannel;
  /** The DM of a user with the bot; made when first asked for. */
  dm(user: FakeUser): FakeChannel;
  /** A private channel that the bot is not in: apps of users alone work there. */
  groupDm(users: readonly FakeUser[]): FakeChannel;
  guild(id: string): FakeGuild;
  channel(id: string): FakeChannel;

  /** What a member may do in a guild, beside what everybody may. */
  setUserPermissions(guild: FakeGuild, user: FakeUser, permissions: bigint): void;
  /** What everybody may do in a guild. */
  setEverybodysPermissions(guild: FakeGuild, permissions: bigint): void;
  setBotPermissions(where: FakeGuild | FakeChannel, permissions: bigint): void;
  /** Throws the bot out. */
  removeBot(guild: FakeGuild): void;
  /** An outage: the guild is unavailable, the bot still a member. */
  guildUnavailable(guild: FakeGuild): void;
  deleteGuild(guild: FakeGuild): void;
  /** Also threads. */
  deleteChannel(channel: FakeChannel): void;
  archiveThread(thread: FakeChannel, state?: { readonly locked?: boolean }): void;
  /** A moderator deletes it; also the bot's. */
  deleteMessage(message: SeenMessage): void;
  deleteMessages(messages: readonly SeenMessage[]): void;
  /** Switches the Message Content intent in the developer portal. */
  setMessageContent(enabled: boolean): void;

  /**
   * Those of a channel in order, as they are now; deleted ones are gone; ephemeral ones are shown
   * to their reader alone.
   */
  messages(channel: FakeChannel, view?: { readonly as?: FakeUser }): readonly SeenMessage[];
  /** As it is now; undefined when deleted. */
  message(id: string): SeenMessage | undefined;
  /** Whether the bot shows as typing there. */
  isTyping(channel: FakeChannel): boolean;
  threads(channel: FakeChannel): readonly FakeChannel[];
  /** The bytes of an attachment, by its id. */
  file(attachmentId: string): Uint8Array | undefined;
  /** The global commands as registered. */
  readonly commands: readonly APIApplicationCommand[];
  /** Every interaction, in order. */
  readonly interactions: readonly SeenInteraction[];

  readonly calls: readonly RecordedCall[];
  callsOf(route: string): readonly RecordedCall[];
  readonly gateway: FakeGateway;

  /** The simulator's clock, in milliseconds. */
  now(): number;
  /** Puts the clock on, or back: tokens expire, attachments' signatures, rates and typing end. */
  advance(ms: number): void;
  /**
   * Asks again after each request and at least every 20 ms.
   * @returns the first value that is neither undefined nor false
   * @throws when there is none for `timeoutMs` (default 5000)
   */
  waitFor<T>(
    predicate: () => T | undefined | false,
    options?: { readonly timeoutMs?: number },
  ): Promise<T>;

  fail(rule: FaultRule): void;
  clearFaults(): void;
  close(): Promise<void>;
}

export type Modal = APIModalInteractionResponseCallbackData;
