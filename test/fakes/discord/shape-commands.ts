/** Commands as an application registers them. */

import {
  type APIApplicationCommandOption,
  ApplicationIntegrationType,
  InteractionContextType,
  ApplicationCommandOptionType as Option,
  type RESTPutAPIApplicationCommandsJSONBody,
  ApplicationCommandType as Type,
} from 'discord-api-types/v10';
import { z } from 'zod';

const locales = z.record(z.string(), z.string()).nullable();
const name = z
  .string()
  .regex(/^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u)
  .refine((it) => it === it.toLowerCase(), { message: 'Command name is invalid' });
const description = z.string().min(1).max(100);

const base = {
  name,
  description,
  name_localizations: locales.exactOptional(),
  description_localizations: locales.exactOptional(),
};
const plain = { ...base, required: z.boolean().exactOptional() };

const stringChoice = z.strictObject({
  name: z.string().min(1).max(100),
  value: z.string().max(100),
  name_localizations: locales.exactOptional(),
});
const numberChoice = z.strictObject({
  name: z.string().min(1).max(100),
  value: z.number(),
  name_localizations: locales.exactOptional(),
});

const string = {
  ...plain,
  type: z.literal(Option.String),
  min_length: z.int().min(0).max(6000).exactOptional(),
  max_length: z.int().min(1).max(6000).exactOptional(),
};
const number = <T extends Option.Integer | Option.Number>(type: T) => ({
  ...plain,
  type: z.literal(type),
  min_value: z.number().exactOptional(),
  max_value: z.number().exactOptional(),
  autocomplete: z.literal(false).exactOptional(),
  choices: z.array(numberChoice).max(25).exactOptional(),
});

const basicOption = z.union([
  z.strictObject({ ...string, autocomplete: z.literal(true) }),
  z.strictObject({
    ...string,
    autocomplete: z.literal(false).exactOptional(),
    choices: z.array(stringChoice).max(25).exactOptional(),
  }),
  z.strictObject(number(Option.Integer)),
  z.strictObject(number(Option.Number)),
  z.strictObject({ ...plain, type: z.literal(Option.Boolean) }),
  z.strictObject({ ...plain, type: z.literal(Option.User) }),
  z.strictObject({ ...plain, type: z.literal(Option.Role) }),
  z.strictObject({ ...plain, type: z.literal(Option.Attachment) }),
  z.strictObject({
    ...plain,
    type: z.literal(Option.Channel),
    channel_types: z.array(z.literal([0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 15, 16])).exactOptional(),
  }),
]);

/** Required options come first, names are used once. */
const optionList = <T extends z.ZodType<APIApplicationCommandOption>>(option: T) =>
  z
    .array(option)
    .max(25)
    .superRefine((options, context) => {
      const names = options.map((it) => it.name);
      if (new Set(names).size < names.length) {
        context.addIssue({ code: 'custom', message: 'Option names must be unique' });
      }
      const needed = options.map((it) => 'required' in it && it.required === true);
      if (needed.lastIndexOf(true) > needed.indexOf(false) && needed.includes(false)) {
        const message = 'Required options must be placed before non-required options';
        context.addIssue({ code: 'custom', message });
      }
    });

const subcommand = z.strictObject({
  ...base,
  type: z.literal(Option.Subcommand),
  options: optionList(basicOption).exactOptional(),
});

const common = {
  name_localizations: locales.optional(),
  description_localizations: locales.optional(),
  default_member_permissions: z.string().regex(/^\d+$/).nullish(),
  nsfw: z.boolean().optional(),
  integration_types: z.array(z.enum(ApplicationIntegrationType)).min(1).optional(),
  contexts: z.array(z.enum(InteractionContextType)).min(1).optional(),
};

const command = z.union([
  z.strictObject({
    ...common,
    type: z.literal(Type.ChatInput).optional(),
    name,
    description,
    options: optionList(z.union([basicOption, subcommand])).optional(),
  }),
  z.strictObject({
    ...common,
    type: z.literal([Type.Message, Type.User]),
    name: z.string().min(1).max(32),
  }),
]);

/** At most 100 slash commands and 15 of each context menu, each name once of its type. */
export const commandList = z.array(command).superRefine((commands, context) => {
  const bounds: readonly [Type, number][] = [
    [Type.ChatInput, 100],
    [Type.User, 15],
    [Type.Message, 15],
  ];
  for (const [type, most] of bounds) {
    const names = commands
      .filter((it) => (it.type ?? Type.ChatInput) === type)
      .map((it) => it.name);
    if (names.length > most) {
      context.addIssue({ code: 'custom', message: `Must be ${most} or fewer in length.` });
    }
    if (new Set(names).size < names.length) {
      context.addIssue({ code: 'custom', message: 'Application command names must be unique' });
    }
  }
}) satisfies z.ZodType<RESTPutAPIApplicationCommandsJSONBody>;

export const commandBody = command;
export type CommandBody = z.infer<typeof command>;
