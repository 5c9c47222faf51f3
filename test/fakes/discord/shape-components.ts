/** Buttons, menus and layouts of messages. */

import {
  type APIActionRowComponent,
  type APIButtonComponent,
  type APIComponentInMessageActionRow,
  type APIMessageTopLevelComponent,
  type APIStringSelectComponent,
  ButtonStyle,
  ComponentType,
} from 'discord-api-types/v10';
import { z } from 'zod';

const id = z.int().min(0).exactOptional();
export const customId = z.string().min(1).max(100);
const label = z.string().max(80).exactOptional();
const disabled = z.boolean().exactOptional();
const emoji = z
  .strictObject({
    id: z.string().exactOptional(),
    name: z.string().exactOptional(),
    animated: z.boolean().exactOptional(),
  })
  .exactOptional();

const button = z
  .discriminatedUnion('style', [
    z.strictObject({
      type: z.literal(ComponentType.Button),
      id,
      style: z.literal([
        ButtonStyle.Primary,
        ButtonStyle.Secondary,
        ButtonStyle.Success,
        ButtonStyle.Danger,
      ]),
      custom_id: customId,
      label,
      emoji,
      disabled,
    }),
    z.strictObject({
      type: z.literal(ComponentType.Button),
      id,
      style: z.literal(ButtonStyle.Link),
      url: z
        .string()
        .max(512)
        .regex(/^(https?|discord):\/\//, 'Scheme must be one of (http, https, discord)'),
      label,
      emoji,
      disabled,
    }),
  ])
  .refine((it) => it.label !== undefined || it.emoji !== undefined, {
    message: 'A label or an emoji is required',
  }) satisfies z.ZodType<APIButtonComponent>;

const option = z.strictObject({
  label: z.string().min(1).max(100),
  value: z.string().min(1).max(100),
  description: z.string().max(100).exactOptional(),
  emoji,
  default: z.boolean().exactOptional(),
});

/** `required` counts in modals alone, `disabled` in messages alone. */
export const stringSelect = z
  .strictObject({
    type: z.literal(ComponentType.StringSelect),
    id,
    custom_id: customId,
    placeholder: z.string().max(150).exactOptional(),
    min_values: z.int().min(0).max(25).exactOptional(),
    max_values: z.int().min(1).max(25).exactOptional(),
    disabled,
    required: z.boolean().exactOptional(),
    options: z.array(option).min(1).max(25),
  })
  .refine(({ options }) => new Set(options.map(({ value }) => value)).size === options.length, {
    message: 'The specified option value is already used',
    path: ['options'],
  }) satisfies z.ZodType<APIStringSelectComponent>;

const row = z
  .strictObject({
    type: z.literal(ComponentType.ActionRow),
    id,
    components: z
      .array(z.union([button, stringSelect]))
      .min(1)
      .max(5),
  })
  .refine(
    ({ components }) =>
      components.length === 1 || components.every(({ type }) => type === ComponentType.Button),
    { message: 'A select menu fills its row', path: ['components'] },
  ) satisfies z.ZodType<APIActionRowComponent<APIComponentInMessageActionRow>>;

export const textDisplay = z.strictObject({
  type: z.literal(ComponentType.TextDisplay),
  id,
  content: z.string().min(1).max(4000),
});

const separator = z.strictObject({
  type: z.literal(ComponentType.Separator),
  id,
  divider: z.boolean().exactOptional(),
  spacing: z.literal([1, 2]).exactOptional(),
});

const section = z.strictObject({
  type: z.literal(ComponentType.Section),
  id,
  components: z.array(textDisplay).min(1).max(3),
  accessory: button,
});

const file = z.strictObject({
  type: z.literal(ComponentType.File),
  id,
  file: z.strictObject({ url: z.string().startsWith('attachment://') }),
  spoiler: z.boolean().exactOptional(),
});

const container = z.strictObject({
  type: z.literal(ComponentType.Container),
  id,
  accent_color: z.int().min(0).max(0xffffff).nullable().exactOptional(),
  spoiler: z.boolean().exactOptional(),
  components: z.array(z.union([row, textDisplay, separator, section, file])).min(1),
});

const component = z.discriminatedUnion('type', [
  row,
  textDisplay,
  separator,
  section,
  file,
  container,
]) satisfies z.ZodType<APIMessageTopLevelComponent>;

/** At most 40 in all and no custom_id twice; without Components V2 five rows and nothing else. */
export const componentList = z.array(component).superRefine((components, context) => {
  const all = components.flatMap((it) => flattened(it));
  if (all.length > 40) {
    context.addIssue({ code: 'custom', message: 'Must be 40 or fewer in length.' });
  }
  const ids = all.flatMap((it) => ('custom_id' in it ? [it.custom_id] : []));
  const twice = ids.find((one, index) => ids.indexOf(one) !== index);
  if (twice !== undefined) {
    const message = 'Component custom id cannot be duplicated';
    context.addIssue({
      code: 'custom',
      message,
      params: { discord: 'COMPONENT_CUSTOM_ID_DUPLICATED' },
    });
  }
});

type Any = APIMessageTopLevelComponent | APIComponentInMessageActionRow;

/** A component with everything inside it. */
export function flattened(component: Any): Any[] {
  if (
    component.type === ComponentType.Section &&
    component.accessory.type === ComponentType.Button
  ) {
    return [component, ...component.components, component.accessory];
  }
  if (component.type === ComponentType.ActionRow || component.type === ComponentType.Container) {
    return [component, ...component.components.flatMap((inner) => flattened(inner))];
  }
  return [component];
}
