/** Discord as a platform: what comes in, what goes out, and the commands that it shows. */

import { Routes } from 'discord-api-types/v10';
import { z } from 'zod';
import type { ChatRights } from '../../chat/chat-rights.ts';
import type { CommandMenu } from '../../chat/command-menu.ts';
import type { PlatformReceiver, PlatformSender } from '../../chat/platform.ts';
import type { RecentChats } from '../../chat/recent-chats.ts';
import type { Secret } from '../../secret.ts';
import type { Suggest } from './interactions/autocomplete.ts';
import type { KeyProvider } from './interactions/key-form.ts';
import type { DiscordLogger } from './logger.ts';
import { createDiscordReceiver } from './receiver.ts';
import { registerCommands } from './registration.ts';
import { createRest } from './rest.ts';
import { createDiscordRights } from './rights.ts';
import { createDiscordSender } from './sender.ts';

const bot = z.object({ id: z.string().regex(/^\d{1,20}$/) });

export interface DiscordOptions {
  readonly token: Secret;
  readonly apiRoot: string;
  /** Asks for the privileged Message Content intent, with which all talk of servers can be read. */
  readonly messageContent: boolean;
  readonly log: DiscordLogger;
  /** Whose keys can be brought, in the order in which they are offered. Default: none is named. */
  readonly keyProviders?: () => readonly KeyProvider[];
  /** What can be chosen while an option of a command is typed. Default: nothing. */
  readonly suggest?: Suggest;
  /** Where to look for what was missed when a new session begins. Default: nowhere. */
  readonly recentChats?: RecentChats;
  readonly sending?: Parameters<typeof createDiscordSender>[0]['times'];
  /** Milliseconds. */
  readonly receiving?: {
    /** Before what failed is tried again, at first; it doubles. */
    readonly retryMs?: number;
    /** For which Discord is tried at the start, while it can't be reached. */
    readonly startPatienceMs?: number;
    /** For which an event is offered to a core that fails. */
    readonly deliverPatienceMs?: number;
  };
}

export interface Discord {
  /** Its `start` throws DiscordStartError where Discord can't be used with the settings there are. */
  readonly receiver: PlatformReceiver;
  /** Sends without the receiver being started, as in a process that only answers. */
  readonly sender: PlatformSender;
  readonly rights: ChatRights;
  /** Where people find the bot. */
  address(): Promise<string>;
  /** Before the receiver starts: it has to know whose answers are private. @throws DiscordStartError */
  registerCommands(menu: CommandMenu): Promise<void>;
}

/** Makes no request: those begin with `receiver.start` and with the first thing that is sent. */
export function createDiscord(options: DiscordOptions): Discord {
  const { token, apiRoot, log: logger, receiving = {}, sending } = options;
  const { retryMs = 1000, startPatienceMs = 60_000, deliverPatienceMs = 60_000 } = receiving;
  const { keyProviders = () => [] } = options;
  const rest = createRest({ token, apiRoot });
  const stopping = new AbortController();
  let menu: CommandMenu = { direct: [], group: [], onMessage: [] };
  const receiver = createDiscordReceiver({
    token,
    apiRoot,
    messageContent: options.messageContent,
    rest,
    logger,
    menu: () => menu,
    keyProviders,
    suggest: options.suggest ?? (async () => []),
    recentChats: options.recentChats ?? (async () => []),
    retryMs,
    startPatienceMs,
    deliverPatienceMs,
  });
  return {
    receiver: {
      name: receiver.name,
      start: (handle) => receiver.start(handle),
      state: () => receiver.state(),
      async stop() {
        stopping.abort();
        await receiver.stop();
      },
    },
    sender: createDiscordSender({
      rest,
      apiRoot,
      log: logger,
      ...(sending === undefined ? {} : { times: sending }),
    }),
    rights: createDiscordRights({ rest: rest.bot }),
    async address() {
      const { id } = bot.parse(await rest.bot.get(Routes.user()));
      return `https://discord.com/users/${id}`;
    },
    async registerCommands(shown) {
      menu = shown;
      const { signal } = stopping;
      await registerCommands({ rest: rest.bot, logger, keyProviders, retryMs, signal }, shown);
    },
  };
}
