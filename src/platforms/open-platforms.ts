/** The platforms that are turned on: the one place that knows each of them by name. */

import type { ChatRights } from '../chat/chat-rights.ts';
import type { PlatformName } from '../chat/message.ts';
import { observeSender } from '../chat/observed-sender.ts';
import type { PlatformErrorCode, PlatformReceiver, PlatformSender } from '../chat/platform.ts';
import { createRecentChats } from '../chat/recent-chats.ts';
import type { Config } from '../config.ts';
import type { Database } from '../db/client.ts';
import { remoteProviders } from '../llm/catalogue.ts';
import type { Log } from '../log.ts';
import type { Discord, DiscordOptions } from './discord/discord.ts';
import { createTelegram, type Telegram, type TelegramOptions } from './telegram/telegram.ts';
import { createTerminal, type Terminal, type TerminalOptions } from './terminal/terminal.ts';

export interface Platforms {
  readonly telegram: Telegram | undefined;
  readonly discord: Discord | undefined;
  readonly terminal: Terminal | undefined;
  /** Of each that is turned on. */
  readonly receivers: readonly PlatformReceiver[];
  readonly senders: ReadonlyMap<PlatformName, PlatformSender>;
  /** @throws where the platform is not turned on */
  sender(platform: PlatformName): PlatformSender;
  /** @returns undefined where the platform is not turned on, or tells nobody's rights */
  rights(platform: PlatformName): ChatRights | undefined;
}

/** Where the chat in the terminal is read from and shown. */
export type TerminalIo = Pick<TerminalOptions, 'input' | 'output' | 'onExit'>;

/** For tests and benchmarks. */
export interface PlatformTuning {
  /** Platforms of a test's own. */
  readonly platforms?: readonly {
    readonly receiver: PlatformReceiver;
    readonly sender: PlatformSender;
  }[];
  /** How fast Telegram is spoken to. */
  readonly telegramRates?: TelegramOptions['rates'];
  /** How patiently Discord is spoken to. */
  readonly discordTimes?: Pick<DiscordOptions, 'receiving' | 'sending'>;
}

/** Connects to nothing: that begins when a receiver is started, and when something is sent. */
export async function openPlatforms({
  config,
  db,
  log,
  terminal: terminalIo,
  commandNames,
  suggest,
  onFailure,
  tuning,
}: {
  readonly config: Pick<Config, 'telegram' | 'discord'>;
  readonly db: Database;
  readonly log: Log;
  readonly terminal: TerminalIo | undefined;
  /** What Tab completes in the terminal; read whenever it is pressed. */
  readonly commandNames: readonly string[];
  /** What Discord offers while an option of a command is typed. */
  readonly suggest: NonNullable<DiscordOptions['suggest']>;
  /** Hears of each time that a platform would not do what it was asked. */
  readonly onFailure: (platform: PlatformName, code: PlatformErrorCode) => void;
  readonly tuning: PlatformTuning;
}): Promise<Platforms> {
  const telegram =
    config.telegram === undefined
      ? undefined
      : createTelegram({
          ...config.telegram,
          log,
          ...(tuning.telegramRates === undefined ? {} : { rates: tuning.telegramRates }),
        });
  const discord =
    config.discord === undefined
      ? undefined
      : // Its library is large: who does not use it does not pay for it.
        (await import('./discord/discord.ts')).createDiscord({
          ...config.discord,
          log,
          keyProviders: () => remoteProviders,
          suggest,
          recentChats: createRecentChats(db, 'discord'),
          ...tuning.discordTimes,
        });
  const terminal =
    terminalIo === undefined
      ? undefined
      : createTerminal({ ...terminalIo, commands: commandNames });

  const rights = new Map<PlatformName, ChatRights>();
  if (telegram !== undefined) rights.set('telegram', telegram.rights);
  if (discord !== undefined) rights.set('discord', discord.rights);
  if (terminal !== undefined) rights.set('terminal', terminal.rights);
  const open = [telegram, discord, terminal, ...(tuning.platforms ?? [])].filter(
    (platform) => platform !== undefined,
  );
  const senders = new Map(
    open.map(({ sender }) => [sender.name, observeSender(sender, onFailure)] as const),
  );
  return {
    telegram,
    discord,
    terminal,
    receivers: open.map(({ receiver }) => receiver),
    senders,
    sender(platform) {
      const found = senders.get(platform);
      if (found === undefined) throw new Error(`platform ${platform} is not turned on`);
      return found;
    },
    rights: (platform) => rights.get(platform),
  };
}
