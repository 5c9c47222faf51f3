/** What people fill into a modal. */

import { ComponentType } from 'discord-api-types/v10';
import type { Modal } from './types.ts';

export type Values = Readonly<Record<string, string | readonly string[]>>;

/** @throws when Discord's app would not send it, unless `anyway` */
export function submission(modal: Modal, values: Values, anyway: boolean): unknown {
  const known = new Set<string>();
  const components = modal.components.map((shown, at) => {
    if (shown.type !== ComponentType.Label) return { type: shown.type, id: at + 1 };
    const inner = shown.component;
    if (inner.type !== ComponentType.TextInput && inner.type !== ComponentType.StringSelect) {
      throw new Error(`The simulator shows no component ${inner.type}`);
    }
    known.add(inner.custom_id);
    const given = values[inner.custom_id];
    const required = inner.required ?? true;
    const { custom_id } = inner;
    const place = { id: at + 1, type: shown.type };
    if (inner.type === ComponentType.StringSelect) {
      const chosen = given === undefined ? defaults(inner.options) : [given].flat();
      const odd = chosen.find((value) => !inner.options.some((option) => option.value === value));
      const least = required ? (inner.min_values ?? 1) : 0;
      const fits = chosen.length >= least && chosen.length <= (inner.max_values ?? 1);
      if (!anyway && (odd !== undefined || !fits))
        throw new Error(`${custom_id} can't be chosen so`);
      return { ...place, component: { type: inner.type, custom_id, id: at + 11, values: chosen } };
    }
    const value = String(given ?? inner.value ?? '');
    const least = required ? Math.max(1, inner.min_length ?? 0) : (inner.min_length ?? 0);
    const tooShort = value.length < least && (required || value !== '');
    if (!anyway && (tooShort || value.length > (inner.max_length ?? 4000))) {
      throw new Error(`${custom_id} takes ${least} to ${inner.max_length ?? 4000} characters`);
    }
    return { ...place, component: { type: inner.type, custom_id, id: at + 11, value } };
  });
  const odd = Object.keys(values).find((name) => !known.has(name));
  if (odd !== undefined) throw new Error(`The modal has no ${odd}: ${[...known].join(', ')}`);
  return { custom_id: modal.custom_id, components, resolved: {} };
}

function defaults(
  options: readonly { readonly value: string; readonly default?: boolean }[],
): string[] {
  return options.flatMap((option) => (option.default === true ? [option.value] : []));
}
