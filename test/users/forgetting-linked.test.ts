/** Forgetting where accounts are, or were, linked: one person's all, and nobody else's. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { usageSince } from '../../src/funding/usage.ts';
import { drawPseudonym, eraseUsers, linkedUsers } from '../../src/users/erasure.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { linkingTown } from '../support/linking.ts';

let database: TestDatabase;
let town: Awaited<ReturnType<typeof linkingTown>>;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  town = await linkingTown(database);
});
afterAll(() => database.close());

type Person = Awaited<ReturnType<typeof town.person>>;

async function answered(who: Person): Promise<void> {
  await who.say('hello');
  await who.answerNext('hi');
}

function erase(userIds: (tx: Parameters<typeof linkedUsers>[0]) => Promise<readonly number[]>) {
  return database.db.transaction(async (tx) =>
    eraseUsers(tx, {
      userIds: await userIds(tx),
      usagePseudonym: drawPseudonym(),
      deletableMs: 0,
    }),
  );
}

async function rowsOf(ids: readonly number[]): Promise<number> {
  const [row] = await database.db.execute<{ n: number }>(sql`
    select (select count(*) from users where id in ${ids})
         + (select count(*) from data_keys where user_id in ${ids})
         + (select count(*) from turns where user_id in ${ids} or owner_id in ${ids})
         + (select count(*) from api_keys where user_id in ${ids} or owner_id in ${ids})
         + (select count(*) from identities where user_id in ${ids} or own_user_id in ${ids}) as n`);
  return Number(row?.n);
}

async function answers(who: Person): Promise<number> {
  const { userId } = await who.me();
  const [house] = await usageSince(database.db, userId, new Date(Date.now() - 60_000));
  return house?.turns ?? 0;
}

test('forgets all linked accounts, and gives others back what is theirs', async () => {
  const [ada, bob] = [await town.person('telegram'), await town.person('discord')];
  const own = [(await ada.me()).userId, (await bob.me()).userId];
  await answered(ada);
  await answered(bob);
  await ada.addKey('openai');
  await bob.addKey('openai');
  await town.link(ada, bob);
  await answered(bob);
  const erased = await erase(async (tx) => linkedUsers(tx, (await ada.me()).userId));
  expect(erased?.identities).toHaveLength(2);
  expect(await rowsOf(own)).toBe(0);
});

test('forgets one that was linked once, and the other keeps what it wrote meanwhile', async () => {
  const [ada, bob] = [await town.person('telegram'), await town.person('discord')];
  await town.link(ada, bob);
  const joined = (await ada.me()).userId;
  await answered(bob);
  await answered(bob);
  await answered(ada);
  await town.linking.unlink(ada.identity);
  await answered(bob);
  const kept = (await bob.me()).userId;
  expect(await answers(bob)).toBe(3);
  await erase(async (tx) => linkedUsers(tx, joined));
  expect(await rowsOf([joined])).toBe(0);
  expect((await bob.me()).userId).toBe(kept);
  expect(await answers(bob)).toBe(3);
  await answered(bob);
  expect(await answers(bob)).toBe(4);
});

test('after a restore forgets the one and separates the other', async () => {
  const [ada, bob] = [await town.person('telegram'), await town.person('discord')];
  const own = { ada: (await ada.me()).userId, bob: (await bob.me()).userId };
  const key = await bob.addKey('openai');
  await town.link(ada, bob);
  await answered(bob);
  await answered(ada);
  // In the backup they are linked; that only one of them was forgotten, the tombstones tell.
  await erase(async () => [own.ada]);
  expect(await rowsOf([own.ada])).toBe(0);
  expect(await bob.me()).toEqual({ userId: own.bob, ownerId: own.bob });
  expect(await bob.keyFor('openai')).toBe(key);
  expect(await answers(bob)).toBe(1);
});
