/** Tells Discord which commands there are, where it does not show the same ones yet. */

import type { REST } from '@discordjs/rest';
import {
  type APIApplicationCommand,
  type APIApplicationCommandOption,
  ApplicationCommandType,
  type RESTPostAPIApplicationCommandsJSONBody,
  Routes,
} from 'discord-api-types/v10';
import { z } from 'zod';
import type { CommandMenu } from '../../chat/command-menu.ts';
import { backoffMs, pause } from '../../chat/sending/backoff.ts';
import { registeredCommands } from './command-menu.ts';
import { describe, toPlatformError } from './errors.ts';
import type { KeyProvider } from './interactions/key-form.ts';
import type { DiscordLogger } from './logger.ts';
import { DiscordStartError } from './start-error.ts';

export interface RegistrationParts {
  readonly rest: REST;
  readonly logger: DiscordLogger;
  /** Whose keys can be brought. */
  readonly keyProviders: () => readonly KeyProvider[];
  /** Milliseconds before the next attempt, at first; it doubles. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

/**
 * The bot works without: while Discord can't be reached, it is tried again in the background.
 * @throws DiscordStartError when the token is wrong
 */
export async function registerCommands(parts: RegistrationParts, menu: CommandMenu): Promise<void> {
  try {
    await register(parts, menu);
  } catch (error) {
    if (error instanceof Error && 'status' in error && error.status === 401) {
      throw new DiscordStartError('bad-token');
    }
    parts.logger.warn(describe(error), 'the commands could not be registered with Discord');
    if (toPlatformError(error).retryable) void repeat(parts, menu);
  }
}

async function repeat(parts: RegistrationParts, menu: CommandMenu): Promise<void> {
  const { logger, retryMs, signal } = parts;
  let waitMs = 0;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await pause(Math.max(waitMs, backoffMs(attempt, retryMs, 60_000)), signal);
    if (signal.aborted) return;
    try {
      await register(parts, menu);
      return;
    } catch (error) {
      const { retryable, retryAfterMs } = toPlatformError(error);
      waitMs = retryAfterMs;
      if (retryable) continue;
      logger.warn(describe(error), 'the commands could not be registered with Discord');
      return;
    }
  }
}

const application = z.object({ id: z.string().regex(/^\d{1,20}$/) });

async function register(
  { rest, keyProviders }: RegistrationParts,
  menu: CommandMenu,
): Promise<void> {
  const { id } = application.parse(await rest.get(Routes.currentApplication()));
  const route = Routes.applicationCommands(id);
  const wanted = registeredCommands(menu, keyProviders());
  // The list is this bot's own, as Discord keeps it: its shape is the library's to know.
  const known = (await rest.get(route)) as readonly APIApplicationCommand[];
  // Each registration counts: 200 new commands a day, and people's clients load them anew.
  if (fingerprint(known) === fingerprint(wanted)) return;
  await rest.put(route, { body: wanted });
}

type Command = APIApplicationCommand | RESTPostAPIApplicationCommandsJSONBody;

/** The same for what was sent and for what Discord made of it: it leaves out or fills in defaults. */
export function fingerprint(commands: readonly Command[]): string {
  return JSON.stringify(
    commands
      .map((command) => ({
        type: command.type ?? ApplicationCommandType.ChatInput,
        name: command.name,
        description: 'description' in command ? (command.description ?? '') : '',
        contexts: [...(command.contexts ?? [])].sort(),
        installs: [...(command.integration_types ?? [])].sort(),
        permissions: command.default_member_permissions ?? null,
        options: ('options' in command ? (command.options ?? []) : []).map(optionFingerprint),
      }))
      .sort((a, b) => (`${a.type}${a.name}` < `${b.type}${b.name}` ? -1 : 1)),
  );
}

function optionFingerprint(option: APIApplicationCommandOption) {
  return {
    type: option.type,
    name: option.name,
    description: option.description,
    required: option.required ?? false,
    autocomplete: ('autocomplete' in option && option.autocomplete) ?? false,
    choices: ('choices' in option ? (option.choices ?? []) : []).map(({ name, value }) => [
      name,
      value,
    ]),
    least: 'min_length' in option ? (option.min_length ?? null) : null,
    most: 'max_length' in option ? (option.max_length ?? null) : null,
  };
}
