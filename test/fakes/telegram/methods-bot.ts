import { z } from 'zod';
import { chatByText } from './access.ts';
import { badRequest } from './api-error.ts';
import type { MethodTable } from './method.ts';
import type { Params } from './params.ts';
import type { World } from './state.ts';

const COMMAND_LIMIT = 100;
/** In bytes. */
export const DOWNLOAD_LIMIT = 20 * 1024 * 1024;
/** How long a press can be answered, in milliseconds (about what Telegram grants). */
const ANSWER_WINDOW = 15 * 60_000;

const commandsSchema = z.array(
  z.object({
    command: z.string(),
    description: z.string(),
    is_ephemeral: z.boolean().optional(),
  }),
);
const scopeSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.enum(['default', 'all_private_chats', 'all_group_chats', 'all_chat_administrators']),
  }),
  z.object({
    type: z.enum(['chat', 'chat_administrators']),
    chat_id: z.union([z.number(), z.string()]),
  }),
  z.object({
    type: z.literal('chat_member'),
    chat_id: z.union([z.number(), z.string()]),
    user_id: z.number().int().positive(),
  }),
]);

export function botMethods(world: World): MethodTable {
  return {
    getMe: () => world.bot,

    setMyCommands: ({ params }) => {
      const scope = scopeKey(world, params);
      const commands = params.json('commands', commandsSchema, 'commands') ?? [];
      if (commands.length > COMMAND_LIMIT) throw badRequest('BOT_COMMANDS_TOO_MUCH');
      world.commands.set(scope, commands.map(checkCommand));
      return true;
    },
    getMyCommands: ({ params }) => world.commands.get(scopeKey(world, params)) ?? [],
    deleteMyCommands: ({ params }) => {
      world.commands.delete(scopeKey(world, params));
      return true;
    },

    answerCallbackQuery: ({ params }) => {
      const press = world.presses.get(params.text('callback_query_id'));
      if (press === undefined || world.now() - press.at > ANSWER_WINDOW) {
        throw badRequest('query is too old and response timeout expired or query ID is invalid');
      }
      const text = params.text('text');
      if (text.length > 200) throw badRequest('MESSAGE_TOO_LONG');
      press.answer ??= {
        show_alert: params.flag('show_alert'),
        ...(text === '' ? {} : { text }),
      };
      return true;
    },

    getFile: ({ params }) => {
      const id = params.text('file_id');
      if (id === '') throw badRequest('file_id not specified');
      const file = world.files.get(id);
      if (file === undefined) throw badRequest('invalid file_id');
      if (file.size > DOWNLOAD_LIMIT) throw badRequest('file is too big');
      return {
        file_id: file.id,
        file_unique_id: file.uniqueId,
        file_size: file.size,
        file_path: file.path,
      };
    },
  };
}

function scopeKey(world: World, params: Params): string {
  const scope = params.json('scope', scopeSchema, 'BotCommandScope') ?? { type: 'default' };
  if ('chat_id' in scope) chatByText(world, String(scope.chat_id), 'read');
  const language = params.text('language_code');
  if (!/^(?:[a-z]{2})?$/.test(language)) throw badRequest('Invalid language code specified');
  return `${JSON.stringify(scope)} ${language}`;
}

/** @throws BotApiError */
function checkCommand(input: { readonly command: string; readonly description: string }) {
  const command = input.command.trim().replace(/^\//, '');
  const description = input.description.trim();
  if (command === '') throw badRequest('Command must be non-empty');
  if ([...command].length > 32) throw badRequest('Command length must not exceed 32');
  if (description === '') throw badRequest('Command description must be non-empty');
  if ([...description].length > 256) {
    throw badRequest('Command description length must not exceed 256');
  }
  if (!/^[a-z0-9_]+$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
  return { ...input, command, description };
}
