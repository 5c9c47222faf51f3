import type { REST } from '@discordjs/rest';
import {
  type GatewayChannelDeleteDispatchData,
  GatewayDispatchEvents,
  type GatewayGuildDeleteDispatchData,
  type GatewayInteractionCreateDispatchData,
  type GatewayMessageDeleteBulkDispatchData,
  type GatewayMessageDeleteDispatchData,
  type GatewayThreadDeleteDispatchData,
  MessageFlags,
  type RESTPostAPIChannelMessageJSONBody,
  Routes,
} from 'discord-api-types/v10';
import type { CommandMenu } from '../../chat/command-menu.ts';
import type { ChatAddress, PlatformEvent } from '../../chat/message.ts';
import type { PlatformReceiver } from '../../chat/platform.ts';
import type { RecentChats } from '../../chat/recent-chats.ts';
import type { Secret } from '../../secret.ts';
import { COULD_NOT_TAKE_IN } from '../../text/discord.ts';
import { createAddresses, groupAddress } from './addresses.ts';
import { createCatchUp } from './catch-up.ts';
import type { GatewayEvents } from './client.ts';
import { createDeliver } from './deliver.ts';
import { describe } from './errors.ts';
import { createForwardHints } from './forwards.ts';
import { createGateway } from './gateway.ts';
import { incomingMessage, type WireMessage } from './incoming.ts';
import type { Suggest } from './interactions/autocomplete.ts';
import { createInteractions } from './interactions/interactions.ts';
import type { KeyProvider } from './interactions/key-form.ts';
import { createRespond } from './interactions/respond.ts';
import type { DiscordLogger } from './logger.ts';
import { createLookups } from './lookups.ts';
import { Retries, retrying } from './retries.ts';

/** Milliseconds for which the sender of a message that was given up is told so. */
const TELLING_MS = 5000;

export interface ReceiverOptions {
  readonly token: Secret;
  readonly apiRoot: string;
  readonly messageContent: boolean;
  readonly rest: { readonly bot: REST; readonly interactions: REST };
  readonly logger: DiscordLogger;
  readonly menu: () => CommandMenu;
  readonly keyProviders: () => readonly KeyProvider[];
  readonly suggest: Suggest;
  /** Where to look for what was missed when a new session begins. */
  readonly recentChats: RecentChats;
  /** Milliseconds before something that failed is tried again, at first; it doubles. */
  readonly retryMs: number;
  /** Milliseconds for which Discord is tried at the start, while it can't be reached. */
  readonly startPatienceMs: number;
  /** Milliseconds for which an event is offered to a core that fails. */
  readonly deliverPatienceMs: number;
}

/** Its `start` throws DiscordStartError. */
export function createDiscordReceiver(options: ReceiverOptions): PlatformReceiver {
  const { rest, logger, retryMs } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** What is being read and handed over. */
  const underWay = new Set<Promise<void>>();
  /** By message: an edit, or the deletion, waits until the message itself was taken in. */
  const byMessage = new Map<string, Promise<void>>();
  const withHint = createForwardHints();
  let deliver: (event: PlatformEvent) => Promise<boolean> = async () => false;

  function track(what: string, work: () => Promise<void>): Promise<void> {
    const done = work()
      .catch((error: unknown) => {
        logger.error({ ...describe(error), event: what }, 'an event of Discord could not be read');
      })
      .finally(() => underWay.delete(done));
    underWay.add(done);
    return done;
  }

  function afterMessage(id: string, what: string, work: () => Promise<void>): void {
    const before = byMessage.get(id) ?? Promise.resolve();
    const done = track(what, async () => {
      await before;
      await work();
    }).finally(() => {
      if (byMessage.get(id) === done) byMessage.delete(id);
    });
    byMessage.set(id, done);
  }

  const gateway = createGateway({
    token: options.token,
    apiRoot: options.apiRoot,
    messageContent: options.messageContent,
    logger,
    retryMs,
    patienceMs: options.startPatienceMs,
    listen,
    onNewSession: (shard) => void track('what was missed', () => catchUp(shard)),
  });

  const lookups = createLookups({ rest: rest.bot, logger, retryMs, signal });
  const catchUp = createCatchUp({
    rest: rest.bot,
    logger,
    retryMs,
    signal,
    recentChats: options.recentChats,
    guildOf: gateway.guildOf,
    take: (message) => afterMessage(message.id, 'message', () => takeMessage(message)),
  });
  const addresses = createAddresses({ known: gateway.parentOf, lookUp: lookups.parentOf });
  const reading = {
    get botId() {
      return gateway.botId;
    },
    botRole: gateway.botRole,
    addresses,
    lookUpMessage: lookups.message,
  };
  const interactions = createInteractions({
    respond: createRespond({ rest: rest.interactions, logger, retryMs }),
    deliver: (event) => deliver(event),
    keyProviders: options.keyProviders,
    suggest: options.suggest,
    menu: options.menu,
    botId: () => gateway.botId,
    openDirectChat: lookups.directChat,
  });

  async function takeMessage(wire: WireMessage): Promise<void> {
    const read = await incomingMessage(wire, reading);
    if (read === undefined) return;
    const message = withHint(read);
    if (await deliver({ type: 'message', message })) return;
    if (message.addressed !== 'none') await tellGivenUp(wire);
  }

  async function takeEdit(wire: WireMessage): Promise<void> {
    // Discord says “updated” also when it adds the preview of a link.
    if (wire.edited_timestamp === null || wire.edited_timestamp === undefined) return;
    const message = await incomingMessage(wire, reading);
    if (message !== undefined) await deliver({ type: 'edit', message });
  }

  async function takeDeletion(
    messageId: string,
    place: GatewayMessageDeleteDispatchData | GatewayMessageDeleteBulkDispatchData,
  ): Promise<void> {
    const chat = await addresses.of({ channelId: place.channel_id, guildId: place.guild_id });
    await deliver({ type: 'deleted', chat, messageId });
  }

  function close(chats: readonly ChatAddress[]): void {
    void track('closed', async () => {
      for (const chat of chats) await deliver({ type: 'closed', chat });
    });
  }

  async function tellGivenUp(wire: WireMessage): Promise<void> {
    const body: RESTPostAPIChannelMessageJSONBody = {
      content: COULD_NOT_TAKE_IN,
      message_reference: { message_id: wire.id, fail_if_not_exists: false },
      allowed_mentions: { parse: [], replied_user: false },
      flags: MessageFlags.SuppressEmbeds,
      nonce: `x${wire.id}`,
      enforce_nonce: true,
    };
    try {
      await retrying(
        new Retries({ retryMs, budgetMs: TELLING_MS }),
        () => rest.bot.post(Routes.channelMessages(wire.channel_id), { body }),
        { repeatable: true },
      );
    } catch (error) {
      logger.warn(describe(error), 'nobody could be told of that');
    }
  }

  function listen(events: GatewayEvents): void {
    // Thrown here it would be nobody's, and end the process.
    function on<Data>(type: GatewayDispatchEvents, take: (data: Data) => void): void {
      events.on(type, (data: Data) => {
        try {
          take(data);
        } catch (error) {
          logger.warn({ ...describe(error), event: type }, 'an event of Discord makes no sense');
        }
      });
    }
    on(GatewayDispatchEvents.MessageCreate, (data: WireMessage) => {
      afterMessage(data.id, 'message', () => takeMessage(data));
    });
    on(GatewayDispatchEvents.MessageUpdate, (data: WireMessage) => {
      afterMessage(data.id, 'edit', () => takeEdit(data));
    });
    on(GatewayDispatchEvents.MessageDelete, (data: GatewayMessageDeleteDispatchData) => {
      afterMessage(data.id, 'deleted', () => takeDeletion(data.id, data));
    });
    on(GatewayDispatchEvents.MessageDeleteBulk, (data: GatewayMessageDeleteBulkDispatchData) => {
      for (const id of data.ids) afterMessage(id, 'deleted', () => takeDeletion(id, data));
    });
    on(GatewayDispatchEvents.InteractionCreate, (data: GatewayInteractionCreateDispatchData) => {
      void track('interaction', () => interactions(data));
    });
    on(GatewayDispatchEvents.GuildDelete, (data: GatewayGuildDeleteDispatchData) => {
      // An outage is no farewell.
      if (data.unavailable !== true) {
        close(gateway.channelsOf(data.id).map((id) => groupAddress(id, null, undefined)));
      }
    });
    on(GatewayDispatchEvents.ChannelDelete, (data: GatewayChannelDeleteDispatchData) => {
      close([groupAddress(data.id, null, undefined)]);
    });
    on(GatewayDispatchEvents.ThreadDelete, (data: GatewayThreadDeleteDispatchData) => {
      // Without its channel it would be taken for one, of which nothing is known.
      close([groupAddress(data.id, data.parent_id ?? null, undefined)]);
    });
  }

  return {
    name: 'discord',
    async start(handle) {
      deliver = createDeliver({
        handle,
        logger,
        retryMs,
        patienceMs: options.deliverPatienceMs,
        signal,
      });
      await gateway.start();
    },
    state() {
      if (signal.aborted) return { ok: false, detail: 'stopping' };
      const { open, all } = gateway.connections;
      if (all > 0 && open === all) return { ok: true };
      const detail = open === 0 ? 'not connected' : `${open} of ${all} connections are open`;
      return { ok: false, detail };
    },
    async stop() {
      await gateway.stop();
      stopping.abort();
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}
