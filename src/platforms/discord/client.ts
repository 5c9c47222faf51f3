/** discord.js's client, cut down to what is needed of it. */

import type { Client } from 'discord.js';
import { GatewayIntentBits } from 'discord-api-types/v10';
import { describe } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import type { Shard } from './shard.ts';

/** Milliseconds to wait for the servers that Discord announced. */
const GUILDS_MS = 5000;

/** Events by their names, before the library makes its own objects of them. */
export type GatewayEvents = Pick<Client['ws'], 'on'>;

export interface ClientOptions {
  readonly apiRoot: string;
  /** Asks for the privileged Message Content intent. */
  readonly messageContent: boolean;
  readonly logger: DiscordLogger;
  readonly listen: (events: GatewayEvents) => void;
  /** Called when a session begins that resumes none: what came before it does not come again. */
  readonly onNewSession: (shard: Shard) => void;
}

/**
 * Nothing is kept of people and messages: what is read is in the events themselves. Channels and
 * roles stay, to know threads from channels and the bot's own role. Partials are not needed, as
 * the events are read as they come and not as the library's objects.
 */
export function createClient(
  { apiRoot, messageContent, logger, listen, onNewSession }: ClientOptions,
  { Client, Events, Options }: typeof import('discord.js'),
): Client {
  const client = new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.DirectMessages,
      ...(messageContent ? [GatewayIntentBits.MessageContent] : []),
    ],
    // As many connections as Discord advises for the number of servers.
    shards: 'auto',
    rest: { api: apiRoot },
    allowedMentions: { parse: [] },
    waitGuildTimeout: GUILDS_MS,
    makeCache: Options.cacheWithLimits({
      ApplicationCommandManager: 0,
      ApplicationEmojiManager: 0,
      AutoModerationRuleManager: 0,
      BaseGuildEmojiManager: 0,
      DMMessageManager: 0,
      EntitlementManager: 0,
      GuildBanManager: 0,
      GuildEmojiManager: 0,
      GuildInviteManager: 0,
      GuildMemberManager: {
        maxSize: 0,
        keepOverLimit: (member) => member.id === member.client.user.id,
      },
      GuildMessageManager: 0,
      GuildScheduledEventManager: 0,
      GuildStickerManager: 0,
      MessageManager: 0,
      PresenceManager: 0,
      ReactionManager: 0,
      ReactionUserManager: 0,
      StageInstanceManager: 0,
      ThreadMemberManager: 0,
      UserManager: { maxSize: 0, keepOverLimit: (user) => user.id === user.client.user.id },
      VoiceStateManager: 0,
    }),
  });
  client.on(Events.Error, (error) => {
    logger.error(describe(error), 'the connection to Discord');
  });
  client.on(Events.ShardError, (error, shard) => {
    logger.warn({ ...describe(error), shard }, 'the connection to Discord');
  });
  client.on(Events.ShardReconnecting, (shard) => {
    logger.warn({ shard }, 'the connection to Discord broke; connecting again');
  });
  client.on(Events.ShardReady, (id) => onNewSession({ id, count: client.ws.shards.size }));
  client.on(Events.ShardResume, (shard, missed) => {
    logger.info({ shard, missed }, 'the connection to Discord is back');
  });
  listen(client.ws);
  forgive(client, logger);
  return client;
}

/**
 * The library reads each event once more, for its own objects. Where it can't, it throws out of
 * reach of everybody, which would end the process, and again with the next event of the kind.
 */
function forgive({ ws }: Client, logger: DiscordLogger): void {
  const read: unknown = Reflect.get(ws, 'handlePacket');
  if (typeof read !== 'function') return;
  Reflect.set(ws, 'handlePacket', (...packet: unknown[]) => {
    try {
      return Reflect.apply(read, ws, packet);
    } catch (error) {
      logger.warn(describe(error), 'discord.js could not read an event; the bot goes on without');
      return false;
    }
  });
}
