import type { RunningTurn } from './turn-store.ts';

/** What others said is context on a user's own key up to this, in tokens: what the user agreed to. */
export const GROUP_CONTEXT_TOKENS = 4_000;

/** Whether the user has yet to agree that others' words in a group are sent along on their key. */
export function needsGroupConsent({
  chat,
  agreesToGroups,
}: Pick<RunningTurn, 'chat' | 'agreesToGroups'>): boolean {
  return chat.kind === 'group' && !agreesToGroups;
}
