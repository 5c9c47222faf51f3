/** What can be given with a slash command, and how the core reads it: as it is typed elsewhere. */

import {
  type APIApplicationCommandBasicOption,
  ApplicationCommandOptionType,
} from 'discord-api-types/v10';
import { storable } from '../../chat/storable.ts';
import { commandTexts as texts } from '../../text/discord.ts';
import type { KeyProvider } from './interactions/key-form.ts';

/** Characters that Discord takes. */
const MOST_PROMPT = 6000;
const MOST_CODE = 100;
const MOST_NUMBER = 20;
const MOST_REASON = 200;
/** Choices of one option. */
const MOST_CHOICES = 25;

type Choice = { readonly name: string; readonly value: string };

/** Those that are texts stand in the order in which the core reads them. */
export function optionsOf(
  command: string,
  providers: readonly KeyProvider[],
): readonly APIApplicationCommandBasicOption[] {
  switch (command) {
    case 'ask':
      return [
        { ...text('prompt', texts.ask.prompt), required: true, max_length: MOST_PROMPT },
        {
          type: ApplicationCommandOptionType.Attachment,
          name: 'file',
          description: texts.ask.file,
        },
        {
          type: ApplicationCommandOptionType.Boolean,
          name: 'private',
          description: texts.ask.private,
        },
      ];
    case 'model':
      return [{ ...text('model', texts.model), autocomplete: true }];
    case 'delkey':
      return [
        chosen(
          'provider',
          texts.delkey.provider,
          providers.map(({ id, name }) => ({ name, value: id })),
        ),
      ];
    case 'link':
      return [{ ...text('code', texts.link.code), max_length: MOST_CODE }];
    case 'pool':
      return [{ ...text('what', texts.pool), max_length: MOST_PROMPT }];
    case 'appeal':
      return [{ ...text('words', texts.appeal), max_length: MOST_PROMPT }];
    case 'redeem':
      return [{ ...text('code', texts.redeem), max_length: MOST_CODE }];
    case 'limit':
      return [
        { ...text('amount', texts.limit.amount), max_length: MOST_NUMBER },
        chosen('period', texts.limit.period, texts.limit.periods),
      ];
    case 'chat':
      return [
        chosen('cap', texts.chat.cap, texts.chat.caps),
        { ...text('amount', texts.chat.amount), max_length: MOST_NUMBER },
      ];
    case 'admin':
      return [
        chosen('what', texts.admin.what, texts.admin.verbs),
        { ...text('user', texts.admin.user), autocomplete: true },
        { ...text('plan', texts.admin.plan), autocomplete: true },
        { ...text('until', texts.admin.until), max_length: MOST_NUMBER },
        { ...text('days', texts.admin.days), max_length: MOST_NUMBER },
        { ...text('reason', texts.admin.reason), max_length: MOST_REASON },
      ];
    // Most take nothing. For /setkey an option is no place: it would stand in everybody's sight
    // while it is typed.
    default:
      return [];
  }
}

/** @param given the texts, by their options: Discord sends them in the order of typing */
export function argumentOf(command: string, given: ReadonlyMap<string, string>): string {
  const known = optionsOf(command, []).map(({ name }) => name);
  // Of an older version of the bot, as clients show them for a while.
  const others = [...given.keys()].filter((name) => !known.includes(name));
  return [...known, ...others]
    .flatMap((name) => storable(given.get(name) ?? '').trim())
    .filter((value) => value !== '')
    .join(' ');
}

function text(name: string, description: string) {
  return { type: ApplicationCommandOptionType.String as const, name, description };
}

function chosen(
  name: string,
  description: string,
  choices: readonly Choice[],
): APIApplicationCommandBasicOption {
  if (choices.length === 0) return text(name, description);
  return { ...text(name, description), choices: choices.slice(0, MOST_CHOICES) };
}
