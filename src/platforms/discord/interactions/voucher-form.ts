/** The form for the code of a voucher. */

import {
  type APIModalInteractionResponse,
  type APIModalSubmitInteraction,
  ComponentType,
  InteractionResponseType,
  TextInputStyle,
} from 'discord-api-types/v10';
import { voucherForm } from '../../../text/discord.ts';

export const VOUCHER_FORM = 'redeem';
const CODE = 'code';
/** Characters; a code has twenty, and people put blanks between. */
const LONGEST = 60;

export function openVoucherForm(): APIModalInteractionResponse {
  return {
    type: InteractionResponseType.Modal,
    data: {
      custom_id: VOUCHER_FORM,
      title: voucherForm.title,
      components: [
        {
          type: ComponentType.Label,
          label: voucherForm.code.label,
          description: voucherForm.code.description,
          component: {
            type: ComponentType.TextInput,
            custom_id: CODE,
            style: TextInputStyle.Short,
            required: true,
            max_length: LONGEST,
          },
        },
      ],
    },
  };
}

/** What was filled in; empty where there is nothing. */
export function readVoucherForm({ data }: APIModalSubmitInteraction): string {
  for (const part of data.components) {
    if (part.type !== ComponentType.Label) continue;
    const { component } = part;
    if (component.type === ComponentType.TextInput && component.custom_id === CODE) {
      return component.value.trim().slice(0, LONGEST);
    }
  }
  return '';
}
