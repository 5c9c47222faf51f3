/** The first responses to interactions. */

import {
  type APIInteractionResponse,
  InteractionResponseType as Kind,
} from 'discord-api-types/v10';
import { z } from 'zod';
import { answer } from './shape-message.ts';
import { modal } from './shape-modal.ts';

const choice = z.strictObject({
  name: z.string().min(1).max(100),
  name_localizations: z.record(z.string(), z.string()).nullable().exactOptional(),
  value: z.union([z.string().max(100), z.number()]),
});

export const response = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal(Kind.ChannelMessageWithSource), data: answer }),
  z.strictObject({
    type: z.literal(Kind.DeferredChannelMessageWithSource),
    data: z.strictObject({ flags: z.int().optional() }).exactOptional(),
  }),
  z.strictObject({ type: z.literal(Kind.DeferredMessageUpdate) }),
  z.strictObject({ type: z.literal(Kind.UpdateMessage), data: answer.exactOptional() }),
  z.strictObject({
    type: z.literal(Kind.ApplicationCommandAutocompleteResult),
    data: z.strictObject({ choices: z.array(choice).max(25).exactOptional() }),
  }),
  z.strictObject({ type: z.literal(Kind.Modal), data: modal }),
]) satisfies z.ZodType<APIInteractionResponse>;

export type Response = z.infer<typeof response>;
