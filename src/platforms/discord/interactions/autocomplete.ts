import { setTimeout as sleep } from 'node:timers/promises';
import {
  type APIApplicationCommandAutocompleteInteraction,
  type APIApplicationCommandAutocompleteResponse,
  ApplicationCommandOptionType,
  InteractionResponseType,
} from 'discord-api-types/v10';
import type { Sender } from '../../../chat/message.ts';

/** Milliseconds: of the three seconds that Discord gives, some are the network's. */
const PATIENCE_MS = 2500;
/** Discord takes so many choices, and so many characters in each. */
const MOST_CHOICES = 25;
const MOST_CHARACTERS = 100;

export interface Suggestion {
  readonly label: string;
  readonly value: string;
}

/** What somebody who is typing an option of a command can choose. */
export type Suggest = (typing: {
  readonly command: string;
  /** Which of its options. */
  readonly option: string;
  /** At most 100 characters. */
  readonly typed: string;
  readonly sender: Sender;
}) => Promise<readonly Suggestion[]>;

/** Never fails: who can't be helped sees no choices, and types on. */
export async function suggestions(
  { data }: APIApplicationCommandAutocompleteInteraction,
  sender: Sender,
  suggest: Suggest,
): Promise<APIApplicationCommandAutocompleteResponse> {
  const focused = data.options.find(
    (option) => option.type === ApplicationCommandOptionType.String && option.focused === true,
  );
  const typed = focused !== undefined && 'value' in focused ? String(focused.value) : '';
  const patience = new AbortController();
  const found = await Promise.race([
    suggest({
      command: data.name,
      option: focused?.name ?? '',
      typed: typed.slice(0, MOST_CHARACTERS),
      sender,
    }).catch(() => []),
    sleep(PATIENCE_MS, [], { signal: patience.signal }),
  ]).finally(() => patience.abort());
  return {
    type: InteractionResponseType.ApplicationCommandAutocompleteResult,
    data: {
      choices: found
        // A value that is cut would be another one.
        .filter(({ label, value }) => label !== '' && value !== '' && fits(value))
        .slice(0, MOST_CHOICES)
        .map(({ label, value }) => ({
          name: label.slice(0, MOST_CHARACTERS).toWellFormed(),
          value,
        })),
    },
  };
}

function fits(value: string): boolean {
  return value.length <= MOST_CHARACTERS;
}
