import { ButtonStyle, ComponentType } from 'discord-api-types/v10';
import { RUN_ACTION } from '../../chat/buttons.ts';
import type { ChatAddress } from '../../chat/message.ts';
import type { Button } from '../../chat/platform.ts';
import { buttonLabels } from '../../text/discord.ts';
import type { Rows } from './api.ts';

/** Discord's limits. */
const MAX_ROWS = 5;
const MAX_IN_ROW = 5;
const MAX_LABEL = 80;

/** Prefix of what a press says whose answer is in the direct chat. */
export const DIRECT_CHAT = 'dm:';

export const STOP: Button = { label: buttonLabels.stop, action: `${RUN_ACTION}stop` };
export const NEW_CONVERSATION = {
  label: buttonLabels.newConversation,
  action: `${RUN_ACTION}new`,
} as const satisfies Button;
export const continueButton = (turnId: number): Button => ({
  label: buttonLabels.continue,
  action: `continue:${turnId}`,
});

export function rowsOf(
  kind: ChatAddress['kind'],
  rows: readonly (readonly Button[])[] | undefined,
): Rows {
  const whole = (rows ?? []).flatMap((row) => chunked(row));
  return whole.slice(0, MAX_ROWS).map((row) => ({
    type: ComponentType.ActionRow,
    components: row.map((button) => componentOf(kind, button)),
  }));
}

type AnyRow = { readonly components: readonly object[] };

/** Rows that are empty then go too. */
export function withoutButton<R extends AnyRow>(rows: readonly R[], action: string): R[] {
  return rows.flatMap((row) => {
    const components = row.components.filter((one) => idOf(one) !== action);
    return components.length === 0 ? [] : [{ ...row, components }];
  });
}

/** In a channel there is no conversation of its own that could begin anew. */
export const withoutNewConversation = (rows: Rows): Rows =>
  withoutButton(rows, NEW_CONVERSATION.action);

/** What tells one set of buttons from another. */
export function idsOf(rows: readonly AnyRow[]): string {
  return rows.map((row) => row.components.map(idOf).join(' ')).join('\n');
}

function idOf(component: object): string {
  if ('custom_id' in component) return String(component.custom_id);
  return 'url' in component ? String(component.url) : '';
}

function chunked(row: readonly Button[]): (readonly Button[])[] {
  if (row.length === 0) return [];
  return [row.slice(0, MAX_IN_ROW), ...chunked(row.slice(MAX_IN_ROW))];
}

function componentOf(
  kind: ChatAddress['kind'],
  button: Button,
): Rows[number]['components'][number] {
  const label = button.label.slice(0, MAX_LABEL).toWellFormed();
  const type = ComponentType.Button;
  if ('url' in button) return { type, style: ButtonStyle.Link, label, url: button.url };
  return { type, style: ButtonStyle.Secondary, label, custom_id: customId(kind, button) };
}

function customId(kind: ChatAddress['kind'], button: Exclude<Button, { url: string }>): string {
  if ('action' in button) return button.action;
  return `${kind === 'direct' ? RUN_ACTION : DIRECT_CHAT}${button.directChat}`;
}
