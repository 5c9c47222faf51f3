import { setTimeout as sleep } from 'node:timers/promises';
import type { BotCommand } from 'grammy/types';
import type { CommandMenu, MenuCommand } from '../../chat/command-menu.ts';
import { backoffMs } from '../../chat/sending/backoff.ts';
import type { BotApi } from './bot-api.ts';
import { answerCode, describe, TelegramStartError, toPlatformError } from './errors.ts';
import type { TelegramLogger } from './logger.ts';

/** Telegram's messages have no menu of their own. */
export type TypedMenu = Pick<CommandMenu, 'direct' | 'group'>;

export interface CommandMenuParts {
  readonly api: BotApi;
  readonly logger: TelegramLogger;
  readonly retryMs: number;
}

/**
 * Makes Telegram show the commands, where it does not show the same ones yet. The bot works without
 * that: while Telegram can't be reached, it is tried again in the background.
 * @throws TelegramStartError when the token is wrong
 */
export async function registerCommands(
  parts: CommandMenuParts,
  menu: Pick<CommandMenu, 'direct' | 'group'>,
): Promise<void> {
  try {
    await register(parts.api, menu);
  } catch (error) {
    const code = answerCode(error);
    if (code === 401 || code === 404) throw new TelegramStartError('bad-token');
    parts.logger.warn(describe(error), 'the commands could not be registered with Telegram');
    if (toPlatformError(error).retryable) void repeat(parts, menu);
  }
}

async function repeat(
  { api, logger, retryMs }: CommandMenuParts,
  menu: Pick<CommandMenu, 'direct' | 'group'>,
) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await sleep(backoffMs(attempt, retryMs, 60_000), undefined, { ref: false });
    try {
      await register(api, menu);
      return;
    } catch (error) {
      if (!toPlatformError(error).retryable) {
        logger.warn(describe(error), 'the commands could not be registered with Telegram');
        return;
      }
    }
  }
}

async function register(
  { sending }: BotApi,
  menu: Pick<CommandMenu, 'direct' | 'group'>,
): Promise<void> {
  const scopes = [
    ['all_private_chats', menu.direct.map((command) => botCommand(command, false))],
    ['all_group_chats', menu.group.map((command) => botCommand(command, true))],
  ] as const;
  for (const [type, commands] of scopes) {
    const known = await sending.getMyCommands({ scope: { type } });
    if (isSame(known, commands)) continue;
    await sending.setMyCommands(commands, { scope: { type } });
  }
}

function botCommand({ name, description, isPrivate }: MenuCommand, inGroup: boolean): BotCommand {
  const command = { command: name, description };
  return inGroup && isPrivate === true ? { ...command, is_ephemeral: true } : command;
}

function isSame(known: readonly BotCommand[], wanted: readonly BotCommand[]): boolean {
  const text = (commands: readonly BotCommand[]) =>
    JSON.stringify(commands.map((c) => [c.command, c.description, c.is_ephemeral ?? false]));
  return text(known) === text(wanted);
}
