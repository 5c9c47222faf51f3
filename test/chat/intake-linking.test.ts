/** Intake, when an identity is linked between the moment it is looked up and the turn is taken. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../src/chat/identities.ts';
import { createIntake, type IntakeParts } from '../../src/chat/intake.ts';
import type { PlatformSender } from '../../src/chat/platform.ts';
import { eq } from '../../src/db/drizzle.ts';
import { turns } from '../../src/db/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { linkingTown } from '../support/linking.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const unused = () => {
  throw new Error('not called here');
};

test('a message that is taken in at the moment of linking is accepted, and answered by the joined user', async () => {
  const town = await linkingTown(database);
  const [here, there] = [await town.person('telegram'), await town.person('discord')];
  const before = await there.me();
  const lookups: Person[] = [before];
  const woken: number[] = [];
  const intake = createIntake({
    identities: {
      ...town.identities,
      know: async (...who) => {
        const known = await town.identities.know(...who);
        return { ...known, person: lookups.shift() ?? known.person };
      },
    },
    closedPlaces: { close: async () => {} },
    turnIntake: town.turnIntake,
    commands: {
      once: unused,
      press: unused,
      run: unused,
      runLinked: unused,
      tellInterrupted: unused,
      settled: unused,
    },
    setKey: {} as IntakeParts['setKey'],
    gate: { check: async () => 'admitted' },
    audit: { record: unused },
    mailbox: town.mailbox,
    wakeups: {
      wake: async (userId: number) => void woken.push(userId),
    } as Partial<IntakeParts['wakeups']> as IntakeParts['wakeups'],
    sender: () => ({ traits: { showsQuoted: 'always' } }) as PlatformSender,
    log: {} as IntakeParts['log'],
  });
  await town.link(here, there);
  await intake({ type: 'message', message: there.messageOf('just then') });
  const { userId } = await here.me();
  const rows = await database.db
    .select({ userId: turns.userId, ownerId: turns.ownerId })
    .from(turns)
    .where(eq(turns.platformUserId, there.identity.platformUserId));
  expect(rows).toEqual([{ userId, ownerId: before.ownerId }]);
  expect(woken).toEqual([userId]);
});
