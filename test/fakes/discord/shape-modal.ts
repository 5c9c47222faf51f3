/** Modals: labels that hold a text input or a menu, and texts between them. */

import {
  type APILabelComponent,
  type APIModalInteractionResponseCallbackData,
  type APITextInputComponent,
  ComponentType,
} from 'discord-api-types/v10';
import { z } from 'zod';
import { customId, stringSelect, textDisplay } from './shape-components.ts';

const id = z.int().min(0).exactOptional();

/** In a label it has no label of its own. */
const textInput = z
  .strictObject({
    type: z.literal(ComponentType.TextInput),
    id,
    custom_id: customId,
    style: z.literal([1, 2]),
    placeholder: z.string().max(100).exactOptional(),
    value: z.string().max(4000).exactOptional(),
    min_length: z.int().min(0).max(4000).exactOptional(),
    max_length: z.int().min(1).max(4000).exactOptional(),
    required: z.boolean().exactOptional(),
  })
  .refine((it) => (it.min_length ?? 0) <= (it.max_length ?? 4000), {
    message: 'min_length must not be greater than max_length',
    path: ['min_length'],
  }) satisfies z.ZodType<APITextInputComponent>;

const label = z.strictObject({
  type: z.literal(ComponentType.Label),
  id,
  label: z.string().min(1).max(45),
  description: z.string().max(100).exactOptional(),
  component: z.discriminatedUnion('type', [textInput, stringSelect]),
}) satisfies z.ZodType<APILabelComponent>;

/** Action rows in modals are out of date, and not taken here. */
export const modal = z
  .strictObject({
    custom_id: customId,
    title: z.string().min(1).max(45),
    components: z
      .array(z.discriminatedUnion('type', [label, textDisplay]))
      .min(1)
      .max(5),
  })
  .superRefine(({ components }, context) => {
    const ids = components.flatMap((it) =>
      it.type === ComponentType.Label ? [it.component.custom_id] : [],
    );
    if (new Set(ids).size !== ids.length) {
      context.addIssue({
        code: 'custom',
        path: ['components'],
        message: 'Component custom id cannot be duplicated',
      });
    }
  }) satisfies z.ZodType<APIModalInteractionResponseCallbackData>;
