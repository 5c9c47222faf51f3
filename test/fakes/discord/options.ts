/** What people fill into a command, as the app of Discord sends it. */

import {
  type APIApplicationCommand,
  type APIApplicationCommandBasicOption,
  type APIApplicationCommandOption,
  ApplicationCommandOptionType as Kind,
} from 'discord-api-types/v10';
import { attachmentPayload } from './message-payload.ts';
import { userPayload } from './payloads.ts';
import type { NewFile, OptionValue } from './types.ts';
import type { World } from './world.ts';

type Given = Readonly<Record<string, OptionValue>>;

export interface Filled {
  readonly options: readonly unknown[];
  readonly resolved: Readonly<Record<string, unknown>>;
}

/**
 * @param subcommand after the command's name, where it has some
 * @param focused the option being typed into: nothing is checked then
 * @throws when Discord's app would not send it
 */
export function fill(
  world: World,
  command: APIApplicationCommand,
  subcommand: string | undefined,
  given: Given,
  focused?: string,
): Filled {
  const sub = command.options?.find((it) => it.type === Kind.Subcommand && it.name === subcommand);
  const declared = (sub === undefined ? command.options : subOptions(sub)) ?? [];
  if (subcommand !== undefined && sub === undefined) {
    throw new Error(`${command.name} has no ${subcommand}`);
  }
  if (declared.some(({ type }) => type === Kind.Subcommand)) {
    throw new Error(`${command.name} needs a subcommand`);
  }
  const known = new Set(declared.map(({ name }) => name));
  const odd = Object.keys(given).find((name) => !known.has(name));
  if (odd !== undefined) throw new Error(`${command.name} has no option ${odd}`);
  const resolved: Record<string, Record<string, unknown>> = {};
  const options = declared.flatMap((option) => {
    const value = given[option.name];
    if (value === undefined) {
      const needed = 'required' in option && option.required === true && focused === undefined;
      if (needed) throw new Error(`${command.name} needs ${option.name}`);
      return [];
    }
    const isFocused = option.name === focused;
    if (!isFocused) mustFit(option, value);
    const sent = toValue(world, value, resolved);
    const { name, type } = option;
    return [{ name, type, value: sent, ...(isFocused ? { focused: true } : {}) }];
  });
  if (sub === undefined) return { options, resolved };
  return { options: [{ name: sub.name, type: Kind.Subcommand, options }], resolved };
}

function subOptions(
  option: APIApplicationCommandOption,
): APIApplicationCommandBasicOption[] | undefined {
  return option.type === Kind.Subcommand ? option.options : undefined;
}

/** Files and people go by their ids, with what they are beside. */
function toValue(
  world: World,
  value: OptionValue,
  resolved: Record<string, Record<string, unknown>>,
): string | number | boolean {
  if (typeof value !== 'object') return value;
  if (isFile(value)) {
    const file = world.addFile(value, `ephemeral-attachments/${world.applicationId}`);
    resolved.attachments = { ...resolved.attachments, [file.id]: attachmentPayload(world, file) };
    return file.id;
  }
  resolved.users = { ...resolved.users, [value.id]: userPayload(world.user(value.id)) };
  return value.id;
}

function mustFit(option: APIApplicationCommandOption, value: OptionValue): void {
  const { name, type } = option;
  const is = typeof value === 'object' ? (isFile(value) ? 'file' : 'user') : typeof value;
  const wanted: Partial<Record<Kind, string>> = {
    [Kind.String]: 'string',
    [Kind.Integer]: 'number',
    [Kind.Number]: 'number',
    [Kind.Boolean]: 'boolean',
    [Kind.User]: 'user',
    [Kind.Attachment]: 'file',
  };
  if ((wanted[type] ?? 'string') !== is) throw new Error(`${name} takes no ${is}`);
  if (type !== Kind.String || typeof value !== 'string') return;
  const { min_length: least = 0, max_length: most = 6000 } = option;
  if (value.length < least || value.length > most) {
    throw new Error(`${name} takes ${least} to ${most} characters, not ${value.length}`);
  }
  const choices = option.autocomplete === true ? [] : (option.choices ?? []);
  if (choices.length > 0 && !choices.some((choice) => choice.value === value)) {
    throw new Error(`${name} is one of ${choices.map((choice) => choice.value).join(', ')}`);
  }
}

function isFile(value: object): value is NewFile {
  return 'bytes' in value;
}
