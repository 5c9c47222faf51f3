/** What /admin offers while it is typed, to an operator; to others nothing. */

import type { PlatformName } from '../chat/message.ts';
import type { Operator } from '../config.ts';
import type { Database } from '../db/client.ts';
import { daysAgo, mostExpensive } from '../funding/totals.ts';
import { newestFlagged } from '../moderation/flagged.ts';
import { userSuggestion } from '../text/admin.ts';
import type { ModelSuggestion } from './model-suggestions.ts';

const DAYS = 30;
/** Users who are looked at; platforms show 25. */
const MOST_USERS = 25;

export type SuggestForAdmin = (typing: {
  /** What the option is called. */
  readonly option: string;
  readonly typed: string;
  readonly sender: { readonly platform: PlatformName; readonly platformUserId: string };
}) => Promise<readonly ModelSuggestion[]>;

export function createAdminSuggestions({
  db,
  operators,
  planNames,
}: {
  readonly db: Database;
  readonly operators: readonly Operator[];
  readonly planNames: readonly string[];
}): SuggestForAdmin {
  /** Those whom an operator may mean: flagged lately, or expensive. */
  async function users(): Promise<readonly ModelSuggestion[]> {
    const since = daysAgo(DAYS);
    const [flagged, expensive] = await Promise.all([
      newestFlagged(db, since, MOST_USERS),
      mostExpensive(db, since, MOST_USERS),
    ]);
    const found = new Map<string, ModelSuggestion>();
    for (const { accounts } of flagged) {
      for (const value of accounts)
        found.set(value, { value, label: userSuggestion(value, 'flagged') });
    }
    for (const { accounts, costMicros } of expensive) {
      for (const value of accounts) {
        if (!found.has(value))
          found.set(value, { value, label: userSuggestion(value, costMicros) });
      }
    }
    return [...found.values()];
  }

  return async ({ option, typed, sender }) => {
    const isOperator = operators.some(
      ({ platform, platformUserId }) =>
        platform === sender.platform && platformUserId === sender.platformUserId,
    );
    if (!isOperator) return [];
    const wanted = typed.trim().toLowerCase();
    const all =
      option === 'user'
        ? await users()
        : option === 'plan'
          ? planNames.map((name) => ({ label: name, value: name }))
          : [];
    return all.filter(({ value }) => value.toLowerCase().includes(wanted));
  };
}
