/** The house allowance: what the house gives a user, a chat, and everybody together, a day. */

import type { Database } from '../db/client.ts';
import { budgetStates, chatHolder, HOUSE, userHolder } from './budgets.ts';
import type { Cap } from './ledger.ts';
import { windowOf } from './windows.ts';

export interface AllowanceLimits {
  /** FREE_DAILY_MESSAGES */
  readonly turnsPerDay: number;
  /** FREE_DAILY_USD, in micros */
  readonly microsPerDay: number;
  /** HOUSE_DAILY_USD, in micros, for everybody together */
  readonly houseMicrosPerDay: number;
}

/** What the house gives a chat a day, whoever asks there. */
export interface ChatCap {
  readonly platform: string;
  readonly wholeId: string;
  /** Null: only the other is capped. */
  readonly turnsPerDay: number | null;
  readonly microsPerDay: number | null;
}

export type AllowanceRefusal = 'turns-used' | 'money-used' | 'house-used' | 'chat-used';

export interface AllowanceState {
  readonly turnsUsed: number;
  readonly turnsLimit: number;
  /** Spent and reserved. */
  readonly spentMicros: number;
  readonly limitMicros: number;
  readonly resetsAt: Date;
}

export interface Allowance {
  /** The budgets that a turn of the house counts in. @param chat set where it has a cap of its own */
  caps(userId: number, chat: ChatCap | undefined): readonly Cap<AllowanceRefusal>[];
  state(userId: number): Promise<AllowanceState>;
}

export function createAllowance({
  db,
  limits,
  now = () => new Date(),
}: {
  readonly db: Database;
  readonly limits: AllowanceLimits;
  readonly now?: () => Date;
}): Allowance {
  return {
    caps(userId, chat) {
      const window = windowOf('day', now());
      const user: Cap<AllowanceRefusal> = {
        holder: userHolder(userId),
        window,
        limitMicros: limits.microsPerDay,
        turnsLimit: limits.turnsPerDay,
        charge: 'answered',
        refusals: { turns: 'turns-used', money: 'money-used' },
      };
      const house: Cap<AllowanceRefusal> = {
        holder: HOUSE,
        window,
        limitMicros: limits.houseMicrosPerDay,
        turnsLimit: null,
        charge: 'spent',
        refusals: { turns: 'house-used', money: 'house-used' },
      };
      if (chat === undefined) return [user, house];
      const there: Cap<AllowanceRefusal> = {
        holder: chatHolder(chat),
        window,
        limitMicros: chat.microsPerDay,
        turnsLimit: chat.turnsPerDay,
        charge: 'spent',
        refusals: { turns: 'chat-used', money: 'chat-used' },
      };
      return [user, there, house];
    },

    async state(userId) {
      const window = windowOf('day', now());
      const [used] = await budgetStates(db, [{ holder: userHolder(userId), window }]);
      return {
        turnsUsed: used?.turns ?? 0,
        turnsLimit: limits.turnsPerDay,
        spentMicros: (used?.spentMicros ?? 0) + (used?.reservedMicros ?? 0),
        limitMicros: limits.microsPerDay,
        resetsAt: window.ends ?? now(),
      };
    },
  };
}
