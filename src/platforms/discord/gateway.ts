/** The connection to Discord's gateway. discord.js connects again, and resumes, by itself. */

import type { Client } from 'discord.js';
import { GatewayCloseCodes } from 'discord-api-types/v10';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import type { Secret } from '../../secret.ts';
import { createClient, type GatewayEvents } from './client.ts';
import { describe } from './errors.ts';
import type { DiscordLogger } from './logger.ts';
import type { Shard } from './shard.ts';
import { DiscordStartError } from './start-error.ts';

/**
 * Milliseconds that a connection waits for its turn to begin a session: with many shards only so
 * many begin at a time (`max_concurrency`), and the library adds up to 1.5 s to Discord's five.
 */
const TURN_MS = 6_500;
/** So many times longer are the waits after Discord ended the connection for good. */
const CLOSED_RETRY = { first: 30, most: 300 };

export interface GatewayOptions {
  readonly token: Secret;
  readonly apiRoot: string;
  /** Asks for the privileged Message Content intent. */
  readonly messageContent: boolean;
  readonly logger: DiscordLogger;
  /** Called for each new connection: events come as Discord sent them. */
  readonly listen: (events: GatewayEvents) => void;
  /** Called when a session begins that resumes none: what came before it does not come again. */
  readonly onNewSession: (shard: Shard) => void;
  /** Milliseconds for which Discord is tried at the start, while nothing gets on. */
  readonly patienceMs: number;
  /** Milliseconds before the next attempt, at first; it doubles. */
  readonly retryMs: number;
}

export interface Gateway {
  /**
   * @returns when events come; also when {@link stop} ended it
   * @throws DiscordStartError
   */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** How many connections there have to be, and how many of them are open. */
  readonly connections: { readonly open: number; readonly all: number };
  /** Empty before the first connection. */
  readonly botId: string;
  botRole(guildId: string): string | undefined;
  /** Ids of a server's channels. */
  channelsOf(guildId: string): readonly string[];
  /** The server of a channel or thread; undefined for one that is not known. */
  guildOf(channelId: string): string | undefined;
  /** The parent of a thread; `null` for another channel; undefined for one that is not known. */
  parentOf(channelId: string): string | null | undefined;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { token, logger, retryMs, patienceMs } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let client: Client | undefined;
  let again: Promise<void> = Promise.resolve();
  /** When the start last got on. */
  let progressAt = performance.now();

  /** @throws whatever kept it from being ready */
  async function connect(): Promise<void> {
    // A process that only sends has no use for it, and some 13 MB more memory for the rest.
    const library = await import('discord.js');
    const { Events } = library;
    const fresh = createClient(options, library);
    client = fresh;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    const ready = Promise.withResolvers<void>();
    const onAbort = () => failed.reject(signal.reason);
    fresh.once(Events.ShardDisconnect, ({ code }) => failed.reject(closedFor(code)));
    fresh.once(Events.ClientReady, () => ready.resolve());
    signal.addEventListener('abort', onAbort);
    const timer = setTimeout(
      () => failed.reject(new Error('not ready in time')),
      patienceMs + TURN_MS,
    );
    // Some two hundred shards take twenty minutes, one after another.
    fresh.on(Events.ShardReady, () => {
      progressAt = performance.now();
      timer.refresh();
    });
    try {
      signal.throwIfAborted();
      const login = fresh.login(token.reveal());
      await Promise.race([failed.promise, login.then(() => ready.promise)]);
    } catch (error) {
      await fresh.destroy();
      // Discord's reason comes as a code before the library ends its attempt with an error.
      await Promise.race([failed.promise, Promise.resolve()]);
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
    fresh.once(Events.ShardDisconnect, ({ code }) => {
      if (signal.aborted) return;
      again = connectAgain(closedFor(code));
    });
  }

  async function connectAgain(reason: Error): Promise<void> {
    logger.error(sentence(reason), 'Discord ended the connection; trying again in a while');
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      await client?.destroy();
      await pause(
        backoffMs(attempt, retryMs * CLOSED_RETRY.first, retryMs * CLOSED_RETRY.most),
        signal,
      );
      if (signal.aborted) return;
      try {
        await connect();
        return;
      } catch (error) {
        logger.error(sentence(error), 'Discord does not take the connection; trying again');
      }
    }
  }

  return {
    async start() {
      progressAt = performance.now();
      for (let attempt = 0; ; attempt += 1) {
        try {
          await connect();
          logger.info(
            {
              servers: client?.guilds.cache.size,
              shards: client?.ws.shards.size,
              messageContent: options.messageContent,
            },
            'Discord knows this bot',
          );
          return;
        } catch (error) {
          if (signal.aborted) return;
          const final = startError(error);
          if (final !== undefined) throw final;
          const waitMs = backoffMs(attempt, retryMs, 30_000);
          if (performance.now() - progressAt + waitMs > patienceMs) {
            throw new DiscordStartError('unreachable');
          }
          logger.warn({ ...describe(error), waitMs }, 'Discord is not ready; trying again');
          await pause(waitMs, signal);
          if (signal.aborted) return;
        }
      }
    },
    async stop() {
      stopping.abort();
      // It tells of the end as of a break after which it would connect again.
      client?.removeAllListeners('shardReconnecting');
      await client?.destroy();
      await again;
    },
    get connections() {
      const shards = client?.ws.shards;
      // 0 is discord.js's `Status.Ready`: loading the library for that would cost 13 MB.
      const open = shards?.filter(({ status }) => status === 0).size ?? 0;
      return { open, all: shards?.size ?? 0 };
    },
    get botId() {
      return client?.user?.id ?? '';
    },
    botRole(guildId) {
      const user = client?.user;
      const guild = client?.guilds.cache.get(guildId);
      return user == null ? undefined : guild?.roles.botRoleFor(user)?.id;
    },
    channelsOf: (guildId) => [...(client?.guilds.cache.get(guildId)?.channels.cache.keys() ?? [])],
    guildOf(channelId) {
      const channel = client?.channels.cache.get(channelId);
      return channel !== undefined && 'guildId' in channel
        ? (channel.guildId ?? undefined)
        : undefined;
    },
    parentOf(channelId) {
      const channel = client?.channels.cache.get(channelId);
      if (channel === undefined) return undefined;
      return channel.isThread() ? channel.parentId : null;
    },
  };
}

function closedFor(code: number): Error {
  switch (code) {
    case GatewayCloseCodes.AuthenticationFailed:
      return new DiscordStartError('bad-token');
    case GatewayCloseCodes.DisallowedIntents:
      return new DiscordStartError('disallowed-intent');
    default:
      return new Error(`Discord closed the connection with code ${code}`);
  }
}

function sentence(error: unknown): { readonly reason: string } {
  const known = startError(error);
  return known === undefined ? describe(error) : { reason: known.message };
}

/** @returns undefined where trying again may help */
function startError(error: unknown): DiscordStartError | undefined {
  if (error instanceof DiscordStartError) return error;
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? error.code : undefined;
  const status = 'status' in error && typeof error.status === 'number' ? error.status : 0;
  if (code === 'TokenInvalid' || status === 401) return new DiscordStartError('bad-token');
  if (error.message.startsWith('Not enough sessions remaining')) {
    return new DiscordStartError('sessions-used-up');
  }
  // Another service answers there: with a refusal, or with something that has no shape.
  const isOther = (status >= 400 && status < 500 && status !== 429) || error instanceof TypeError;
  return isOther ? new DiscordStartError('unreachable') : undefined;
}
