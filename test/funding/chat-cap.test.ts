/** What the house gives a chat a day, whoever asks there. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { moveChatSettings } from '../../src/chat/chat-settings.ts';
import { sql } from '../../src/db/drizzle.ts';
import type { ChatCap } from '../../src/funding/allowance.ts';
import { houseDay } from '../../src/funding/money.ts';
import { createMailbox, type Fence } from '../../src/queue/mailbox.ts';
import { turnFor, userWithChat } from '../queue/turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { expectSums, houseLedger } from '../support/ledger.ts';
import { settleAlone } from '../support/settle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 30 });
});
afterAll(() => database.close());

let chats = 0;
function setUp(cap: Pick<ChatCap, 'turnsPerDay' | 'microsPerDay'>) {
  chats += 1;
  const wholeId = `group-${chats}`;
  const now = new Date(Date.UTC(2031, 0, chats, 12));
  const allowance = houseLedger({
    db: database.db,
    now: () => now,
    limits: { turnsPerDay: 20, microsPerDay: 1_000_000, houseMicrosPerDay: 10_000_000 },
  });
  const mailbox = createMailbox({ db: database.db, limit: 100 });
  const whole = { platform: 'telegram', wholeId };
  return {
    allowance,
    wholeId,
    async ask({ capped = true } = {}) {
      const who = await userWithChat(database.db);
      const accepted = await mailbox.accept(turnFor(who, 1));
      if (accepted.result !== 'accepted') throw new Error(accepted.result);
      const claim = await mailbox.claim(who.userId, 'w', 60_000);
      if (claim === undefined) throw new Error('nothing to claim');
      const fence = { turnId: claim.turnId, attempt: claim.attempt };
      const result = await allowance.reserve({
        ...fence,
        userId: who.userId,
        inputMicros: 1_000,
        outputMicrosPerMillion: 10_000_000,
        maxOutputTokens: 1_000,
        ...(capped ? { chat: { ...whole, ...cap } } : {}),
      });
      return { ...fence, result };
    },
    settle(fence: Fence, spentMicros: number, answered: boolean) {
      const settlement = allowance.settlement({ ...fence, spentMicros, answered });
      return settleAlone(database.db, settlement);
    },
    async used(id = wholeId) {
      const [row] = await database.db.execute<{ turns: number; spent: number; reserved: number }>(
        sql`select turns, spent_micros as spent, reserved_micros as reserved from budgets
            where holder_kind = 'chat' and holder_id = ${`telegram:${id}`}
              and starts = ${houseDay(now)}::timestamptz`,
      );
      return row;
    },
  };
}

describe('a chat’s cap', () => {
  test('of turns holds under 50 at once, each of another user', async () => {
    const { ask, used } = setUp({ turnsPerDay: 7, microsPerDay: null });
    const all = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(all.filter(({ result }) => result.ok)).toHaveLength(7);
    expect(all.find(({ result }) => !result.ok)?.result).toEqual({
      ok: false,
      reason: 'chat-used',
    });
    expect((await used())?.turns).toBe(7);
  });

  test('of dollars holds under 50 at once, and clamps the last answer', async () => {
    const { ask, used } = setUp({ turnsPerDay: null, microsPerDay: 50_000 });
    const all = await Promise.all(Array.from({ length: 50 }, () => ask()));
    const reserved = all.map(({ result }) => (result.ok ? result.amountMicros : 0));
    const sum = reserved.reduce((a, b) => a + b, 0);
    expect(sum).toBeLessThanOrEqual(50_000);
    expect(sum).toBeGreaterThan(45_000);
    expect(reserved.some((amount) => amount > 0 && amount < 11_000)).toBe(true);
    expect(await used()).toMatchObject({ reserved: sum });
  });

  test('counts what was spent; what was not answered is given back but for its cost', async () => {
    const { ask, allowance, settle, used } = setUp({ turnsPerDay: 3, microsPerDay: null });
    const [one, two, three] = [await ask(), await ask(), await ask()];
    await settle(one, 400, true);
    await settle(two, 300, false);
    await settle(two, 300, false);
    await allowance.settleLost({ turnId: three.turnId, attempt: 2 }, false);
    expect(await used()).toEqual({ turns: 1, spent: 700, reserved: 0 });
  });

  test('says nothing about other chats', async () => {
    const { ask, used } = setUp({ turnsPerDay: 1, microsPerDay: null });
    await ask();
    expect((await ask()).result.ok).toBe(false);
    expect((await ask({ capped: false })).result.ok).toBe(true);
    expect((await used())?.turns).toBe(1);
  });

  test('moves with the group, and what was reserved before is settled there', async () => {
    const { ask, settle, used, wholeId } = setUp({ turnsPerDay: 5, microsPerDay: null });
    const open = await ask();
    const address = (chatId: string) => ({
      platform: 'telegram' as const,
      chatId,
      kind: 'group' as const,
    });
    const next = `${wholeId}-super`;
    await database.db.transaction((tx) => moveChatSettings(tx, address(wholeId), address(next)));
    await settle(open, 400, true);
    expect(await used()).toBeUndefined();
    expect(await used(next)).toEqual({ turns: 1, spent: 400, reserved: 0 });
    await expectSums(database.db);
  });

  test('moves onto a group that has used some of its own: both count, what is open in full', async () => {
    const one = setUp({ turnsPerDay: 5, microsPerDay: null });
    await one.settle(await one.ask(), 400, true);
    const open = await one.ask();
    const other = setUp({ turnsPerDay: 5, microsPerDay: null });
    const address = (chatId: string) => ({
      platform: 'telegram' as const,
      chatId,
      kind: 'group' as const,
    });
    // The same day for both.
    await database.db.execute(sql`
      insert into budgets (holder_kind, holder_id, period, starts)
      select holder_kind, ${`telegram:${other.wholeId}`}, period, starts from budgets
      where holder_id = ${`telegram:${one.wholeId}`}`);
    await database.db.transaction((tx) =>
      moveChatSettings(tx, address(one.wholeId), address(other.wholeId)),
    );
    expect(await one.used(other.wholeId)).toEqual({ turns: 2, spent: 11_400, reserved: 0 });
    await one.settle(open, 300, true);
    expect(await one.used(other.wholeId)).toEqual({ turns: 2, spent: 11_400, reserved: 0 });
    await expectSums(database.db);
  });
});
