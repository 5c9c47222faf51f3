/** Forgetting where accounts are, or were, linked: one person's all, and nobody else's. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { usageSince } from '../../src/funding/usage.ts';
import { identityPseudonym, userPseudonym } from '../../src/keys/tombstones.ts';
import { createForgetting } from '../../src/users/forgetting.ts';
import { createMessageDeletions } from '../../src/users/message-deletions.ts';
import { applyTombstones } from '../../src/users/restored.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { linkingTown } from '../support/linking.ts';

let database: TestDatabase;
let town: Awaited<ReturnType<typeof linkingTown>>;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
  town = await linkingTown(database);
  folder = await mkdtemp(join(tmpdir(), 'latchkey-forget-'));
});
afterAll(async () => {
  await database?.close();
  await rm(folder, { recursive: true, force: true });
});

type Person = Awaited<ReturnType<typeof town.person>>;

async function answered(who: Person): Promise<void> {
  await who.say('hello');
  await who.answerNext('hi');
}

/** As the button does. */
async function forget(who: Person): Promise<void> {
  const { db, ring, audit } = town;
  const forgetting = createForgetting({
    db,
    ring,
    audit,
    deletions: createMessageDeletions({
      db,
      sender: () => ({ deleteMessages: async (_, ids) => ids.length }),
    }),
    tombstoneFile: join(folder, 'tombstones.jsonl'),
    onError: (error) => {
      throw error;
    },
  });
  const { userId } = await who.me();
  const { token } = await forgetting.ask(userId);
  const { platform, chatId } = who.chat;
  const where = { directChat: { platform, chatId }, messageId: undefined };
  expect(await forgetting.confirm(userId, token, where)).toBeDefined();
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

test('forgets all linked accounts, whichever of them says so', async () => {
  const [ada, bob] = [await town.person('telegram'), await town.person('discord')];
  const own = [(await ada.me()).userId, (await bob.me()).userId];
  await answered(ada);
  await answered(bob);
  await ada.addKey('openai');
  await bob.addKey('openai');
  await town.link(ada, bob);
  await answered(bob);
  await forget(bob);
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
  await forget(ada);
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
  const { ring } = town;
  const identities = [identityPseudonym(ring, ada.identity)];
  const tombstone = { user: userPseudonym(ring, own.ada), identities, at: new Date() };
  expect(await applyTombstones(database.db, ring, [tombstone])).toBe(1);
  expect(await rowsOf([own.ada])).toBe(0);
  expect(await bob.me()).toEqual({ userId: own.bob, ownerId: own.bob });
  expect(await bob.keyFor('openai')).toBe(key);
  expect(await answers(bob)).toBe(1);
});
