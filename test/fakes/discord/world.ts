/** Everybody and everything there is, and what is told of it. */

import { randomBytes } from 'node:crypto';
import type { APIApplicationCommand } from 'discord-api-types/v10';
import { PermissionFlagsBits as Bit, ChannelType } from 'discord-api-types/v10';
import { Clock } from './clock.ts';
import { EVERYBODY, usualBotPermissions } from './permission-sets.ts';
import type {
  ChannelRecord,
  FileRecord,
  GuildRecord,
  InteractionRecord,
  MessageRecord,
  RoleRecord,
  UserRecord,
} from './records.ts';
import type { NewFile, NewGuild, NewUser } from './types.ts';

/** What the gateway sends to the sessions whose intents fit. */
export interface WorldEvent {
  readonly type: string;
  /** One of these is enough; 0: everybody gets it. */
  readonly intents: number;
  readonly guildId: string | undefined;
  readonly data: (session: { readonly intents: number }) => unknown;
}

export interface Portal {
  messageContent: boolean;
  guildMembers: boolean;
  presence: boolean;
}

export class World {
  readonly clock = new Clock();
  readonly users = new Map<string, UserRecord>();
  readonly guilds = new Map<string, GuildRecord>();
  readonly channels = new Map<string, ChannelRecord>();
  readonly messages = new Map<string, MessageRecord>();
  readonly files = new Map<string, FileRecord>();
  readonly interactions: InteractionRecord[] = [];
  commands: APIApplicationCommand[] = [];
  readonly portal: Portal;
  readonly bot: UserRecord;
  readonly applicationId: string;
  readonly token: string;
  /** `http://127.0.0.1:PORT`; set once the server listens. */
  origin = '';
  #listeners: ((event: WorldEvent) => void)[] = [];

  constructor(botName: string, portal: Portal) {
    this.portal = portal;
    this.applicationId = this.clock.nextId();
    this.bot = this.addUser({ name: botName, bot: true });
    this.token = `${Buffer.from(this.bot.id).toString('base64url')}.${randomBytes(4).toString('base64url')}.${randomBytes(28).toString('base64url')}`;
  }

  onEvent(listener: (event: WorldEvent) => void): void {
    this.#listeners.push(listener);
  }

  emit(event: WorldEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  addUser({ name, bot = false, installed = false, locale = 'en-US' }: NewUser): UserRecord {
    const user = { id: this.clock.nextId(), name, bot, installed, locale, blocks: false };
    this.users.set(user.id, user);
    return user;
  }

  addGuild(options: NewGuild): GuildRecord {
    const { name, members = [], hasBot = true, externalApps = true } = options;
    const { botPermissions = usualBotPermissions } = options;
    const owner = options.owner ?? members[0] ?? this.addUser({ name: `owner of ${name}` });
    const id = this.clock.nextId();
    const joined = this.clock.iso();
    const guild: GuildRecord = {
      id,
      name,
      ownerId: owner.id,
      members: new Map([owner, ...members].map((member) => [member.id, joined])),
      roles: new Map(),
      externalApps,
      hasBot,
      botPermissions,
    };
    this.guilds.set(id, guild);
    const everybody = externalApps ? EVERYBODY : EVERYBODY & ~Bit.UseExternalApps;
    guild.roles.set(id, newRole(id, '@everyone', everybody, false));
    return guild;
  }

  addRole(guild: GuildRecord, name: string, permissions: bigint, mentionable: boolean): RoleRecord {
    const role = newRole(this.clock.nextId(), name, permissions, mentionable);
    guild.roles.set(role.id, role);
    return role;
  }

  addChannel(
    channel: Pick<ChannelRecord, 'type' | 'name'> &
      Partial<Pick<ChannelRecord, 'id' | 'guildId' | 'parentId' | 'recipients' | 'thread'>> & {
        readonly botPermissions?: bigint | undefined;
      },
  ): ChannelRecord {
    const record: ChannelRecord = {
      guildId: undefined,
      parentId: undefined,
      recipients: [],
      thread: undefined,
      botPermissions: undefined,
      id: this.clock.nextId(),
      ...channel,
      log: [],
      deleted: false,
      typingUntil: 0,
    };
    this.channels.set(record.id, record);
    return record;
  }

  dm(userId: string): ChannelRecord {
    const found = [...this.channels.values()].find(
      ({ type, recipients }) => type === ChannelType.DM && recipients[0] === userId,
    );
    return found ?? this.addChannel({ type: ChannelType.DM, name: '', recipients: [userId] });
  }

  addFile(file: NewFile, folder: string, description?: string): FileRecord {
    const record: FileRecord = {
      id: this.clock.nextId(),
      name: file.name,
      mime: file.mime ?? guessMime(file.name),
      bytes: file.bytes,
      size: file.size ?? file.bytes.byteLength,
      description,
      folder,
    };
    this.files.set(record.id, record);
    return record;
  }

  /** @throws when a test names one that there is not */
  user(id: string): UserRecord {
    return found(this.users.get(id), 'user', id);
  }

  guild(id: string): GuildRecord {
    return found(this.guilds.get(id), 'guild', id);
  }

  channel(id: string): ChannelRecord {
    return found(this.channels.get(id), 'channel', id);
  }

  message(id: string): MessageRecord {
    return found(this.messages.get(id), 'message', id);
  }

  guildOf(channel: ChannelRecord): GuildRecord | undefined {
    return channel.guildId === undefined ? undefined : this.guilds.get(channel.guildId);
  }
}

function newRole(id: string, name: string, permissions: bigint, mentionable: boolean): RoleRecord {
  return { id, name, permissions, mentionable, managed: false, members: new Set() };
}

function found<T>(value: T | undefined, what: string, id: string): T {
  if (value === undefined) throw new Error(`There is no ${what} ${id}`);
  return value;
}

/** As Discord labels what people send; a text file carries its charset. */
function guessMime(name: string): string {
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const known: Readonly<Record<string, string>> = {
    png: 'image/png',
    jpg: 'image/jpeg',
    pdf: 'application/pdf',
    zip: 'application/zip',
    json: 'application/json; charset=utf-8',
    md: 'text/markdown; charset=utf-8',
    py: 'text/x-python; charset=utf-8',
    txt: 'text/plain; charset=utf-8',
  };
  return known[ending] ?? 'application/octet-stream';
}
