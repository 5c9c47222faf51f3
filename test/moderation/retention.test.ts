import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createModerationLog } from '../../src/moderation/moderation-log.ts';
import { createSuspensions } from '../../src/moderation/suspensions.ts';
import { privacyText } from '../../src/text/privacy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';
import { makeUser } from '../support/users.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

test('decisions go after MODERATION_DAYS; suspensions when they are over and no longer count', async () => {
  const { db } = database;
  const userId = await makeUser(db);
  const records = createModerationLog({ db });
  const verdict = { action: 'passed', categories: [], scores: { hate: 0.123456 } } as const;
  for (const turnId of [1, 2]) {
    await records.write({ userId, turnId, direction: 'input', verdict, consequence: undefined });
  }
  await db.execute(sql`
    update moderation_log set at = now() - interval '31 days' where turn_id = 1`);
  await records.removeExpired(30);
  const left = await db.execute(sql`select turn_id, scores from moderation_log`);
  expect(left).toMatchObject([{ turn_id: 2, scores: { hate: 0.1235 } }]);

  const suspensions = createSuspensions({ db, ring: await makeRing() });
  const account = { platform: 'telegram', platformUserId: '1' };
  const day = 86_400_000;
  for (const days of [-40, 5, null]) {
    const until = days === null ? null : new Date(Date.now() + days * day);
    await suspensions.suspend([account], { userId: null, until, reason: String(days) });
  }
  await db.execute(sql`update suspensions set at = now() - interval '50 days'`);
  await suspensions.removeExpired(30);
  const kept = await db.execute(sql`select reason from suspensions order by id`);
  expect(kept).toMatchObject([{ reason: '5' }, { reason: 'null' }]);
});

test('whoever was forgotten meanwhile gets no row that names them', async () => {
  const { db } = database;
  const verdict = { action: 'passed', categories: [], scores: {} } as const;
  await createModerationLog({ db }).write({
    userId: 987_654,
    turnId: 3,
    direction: 'output',
    verdict,
    consequence: undefined,
  });
  expect(await db.execute(sql`select from moderation_log where user_id = 987654`)).toHaveLength(0);
});

test('the privacy text says whose key moderates, and that it shows OpenAI what was for another', () => {
  const facts = {
    historyDays: 30,
    house: { providerName: 'Anthropic', model: 'claude-haiku-4-5', host: undefined },
    otherHosts: [],
  };
  const moderation = {
    keyOf: 'moderation',
    host: undefined,
    ownKeysToo: true,
    days: 7,
  } as const;
  const text = privacyText({ ...facts, moderation });
  expect(text).toContain('a key of the operator’s that does nothing else');
  expect(text).toContain('So OpenAI sees what was written for Anthropic.');
  expect(text).toContain('also those on a key of your own');
  expect(text).toContain('for 7 days, for the operator alone');
  const off = privacyText({ ...facts, moderation: undefined });
  expect(off).toContain('No moderation service reads along');
  expect(off).not.toContain('omni-moderation');
});
