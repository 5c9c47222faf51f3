import { setTimeout as sleep } from 'node:timers/promises';
import type { BotCommand, BotCommandScope } from 'grammy/types';
import type { CommandMenu, MenuCommand } from '../../chat/command-menu.ts';
import { backoffMs } from '../../chat/sending/backoff.ts';
import type { BotApi } from './bot-api.ts';
import { answerCode, describe, TelegramStartError, toPlatformError } from './errors.ts';
import type { TelegramLogger } from './logger.ts';

/** Telegram's messages have no menu of their own. */
export type TypedMenu = Pick<CommandMenu, 'direct' | 'group' | 'operators'>;

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
export async function registerCommands(parts: CommandMenuParts, menu: TypedMenu): Promise<void> {
  try {
    await register(parts, menu);
  } catch (error) {
    const code = answerCode(error);
    if (code === 401 || code === 404) throw new TelegramStartError('bad-token');
    parts.logger.warn(describe(error), 'the commands could not be registered with Telegram');
    if (toPlatformError(error).retryable) void repeat(parts, menu);
  }
}

async function repeat(parts: CommandMenuParts, menu: TypedMenu) {
  const { logger, retryMs } = parts;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await sleep(backoffMs(attempt, retryMs, 60_000), undefined, { ref: false });
    try {
      await register(parts, menu);
      return;
    } catch (error) {
      if (!toPlatformError(error).retryable) {
        logger.warn(describe(error), 'the commands could not be registered with Telegram');
        return;
      }
    }
  }
}

async function register({ api, logger }: CommandMenuParts, menu: TypedMenu): Promise<void> {
  const direct = menu.direct.map((command) => botCommand(command, false));
  const group = menu.group.map((command) => botCommand(command, true));
  await show(api, { type: 'all_private_chats' }, direct);
  await show(api, { type: 'all_group_chats' }, group);
  const { commands = [], accounts = [] } = menu.operators ?? {};
  const theirs = [...direct, ...commands.map((command) => botCommand(command, false))];
  for (const { platform, platformUserId } of accounts) {
    if (platform !== 'telegram') continue;
    try {
      await show(api, { type: 'chat', chat_id: Number(platformUserId) }, theirs);
    } catch (error) {
      if (toPlatformError(error).retryable) throw error;
      // Who has not written to the bot yet has no chat with it: typed, the commands work all the same.
      logger.warn(describe(error), 'an operator has no chat with the bot yet');
    }
  }
}

async function show(
  { sending }: BotApi,
  scope: BotCommandScope,
  commands: readonly BotCommand[],
): Promise<void> {
  const known = await sending.getMyCommands({ scope });
  if (isSame(known, commands)) return;
  await sending.setMyCommands(commands, { scope });
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
