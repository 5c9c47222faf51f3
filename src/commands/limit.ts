/** /limit: what a user's own keys may spend, and whether answers say what they cost. */

import type { Database } from '../db/client.ts';
import { eq } from '../db/drizzle.ts';
import { users } from '../db/schema.ts';
import { parseUsd } from '../funding/money.ts';
import type { LimitPeriod, OwnLimit } from '../funding/own-limit.ts';
import { limitText } from '../text/limit.ts';
import type { Command, CommandContext } from './command.ts';

const PERIODS: ReadonlyMap<string, LimitPeriod> = new Map([
  ['', 'day'],
  ['day', 'day'],
  ['daily', 'day'],
  ['month', 'month'],
  ['monthly', 'month'],
]);

export function createLimit({
  db,
  ownLimit,
}: {
  readonly db: Database;
  readonly ownLimit: OwnLimit;
}): Command {
  async function showState({ userId, answer }: CommandContext): Promise<void> {
    const [limits, [user]] = await Promise.all([
      ownLimit.state(userId),
      db.select({ showCost: users.showCost }).from(users).where(eq(users.id, userId)),
    ]);
    answer(limitText.state(limits, user?.showCost === true));
  }

  async function setCosts({ userId, answer }: CommandContext, word: string): Promise<void> {
    if (word !== 'on' && word !== 'off') return answer(limitText.notUnderstood());
    const showCost = word === 'on';
    await db.update(users).set({ showCost }).where(eq(users.id, userId));
    answer(limitText.costs(showCost));
  }

  return {
    name: 'limit',
    description: 'What my own keys may spend',
    where: 'direct',

    async run(context) {
      const { userId, answer } = context;
      // `a` and `per` are how people say it: `/limit 2.50 a day`.
      const words = context.argument
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => !['', 'a', 'per', '/', 'usd', '$'].includes(word));
      const [first = '', second = '', ...rest] = words;
      if (first === '') return showState(context);
      if (first === 'off' && second === '') {
        return answer(limitText.off(await ownLimit.clear(userId)));
      }
      if (first === 'costs' && rest.length === 0) return setCosts(context, second);
      const limitMicros = parseUsd(first);
      const period = PERIODS.get(second);
      if (limitMicros === undefined || period === undefined || rest.length > 0) {
        return answer(limitText.notUnderstood());
      }
      await ownLimit.set(userId, period, limitMicros);
      answer(limitText.set(period, limitMicros, await ownLimit.state(userId)));
    },

    async press(context) {
      if (context.argument !== 'off') return;
      context.replace(limitText.off(await ownLimit.clear(context.userId)));
    },
  };
}
