/** The form for an API key: no message ever holds what is typed into it. */

import {
  type APIModalInteractionResponse,
  type APIModalSubmitInteraction,
  ComponentType,
  InteractionResponseType,
  TextInputStyle,
} from 'discord-api-types/v10';
import { storable } from '../../../chat/storable.ts';
import { keyForm } from '../../../text/discord.ts';

export const KEY_FORM = 'setkey';
const PROVIDER = 'provider';
const KEY = 'key';
/** Stands for no choice: a select menu can't be emptied again once something was chosen. */
const ANY = 'any';
/** Characters; keys of today's providers have up to 200. */
const LONGEST_KEY = 500;
/** Discord takes so many options in a select menu. */
const MOST_OPTIONS = 25;

export interface KeyProvider {
  readonly id: string;
  readonly name: string;
}

export function openKeyForm(providers: readonly KeyProvider[]): APIModalInteractionResponse {
  return {
    type: InteractionResponseType.Modal,
    data: {
      custom_id: KEY_FORM,
      title: keyForm.title,
      components: [
        {
          type: ComponentType.Label,
          label: keyForm.provider.label,
          description: keyForm.provider.description,
          component: {
            type: ComponentType.StringSelect,
            custom_id: PROVIDER,
            required: false,
            min_values: 0,
            placeholder: keyForm.provider.placeholder,
            options: [
              { value: ANY, label: keyForm.provider.placeholder },
              ...providers.map(({ id, name }) => ({ value: id, label: name })),
            ].slice(0, MOST_OPTIONS),
          },
        },
        {
          type: ComponentType.Label,
          label: keyForm.key.label,
          description: keyForm.key.description,
          component: {
            type: ComponentType.TextInput,
            custom_id: KEY,
            style: TextInputStyle.Short,
            required: true,
            max_length: LONGEST_KEY,
          },
        },
      ],
    },
  };
}

/** What was filled in, as the argument of the command; empty where there is no key. */
export function readKeyForm(
  { data }: APIModalSubmitInteraction,
  providers: readonly KeyProvider[],
): string {
  let provider = '';
  let key = '';
  for (const part of data.components) {
    if (part.type !== ComponentType.Label) continue;
    const { component } = part;
    if (component.type === ComponentType.StringSelect && component.custom_id === PROVIDER) {
      provider = component.values.find((value) => providers.some(({ id }) => id === value)) ?? '';
    }
    if (component.type === ComponentType.TextInput && component.custom_id === KEY) {
      key = storable(component.value).trim().slice(0, LONGEST_KEY);
    }
  }
  return key === '' ? '' : `${provider} ${key}`.trim();
}
