/** How fast a pool may be asked, by each member and by all together, where nobody else would pay. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, loggedErrors, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let people: ReturnType<typeof poolPeople>;
beforeAll(async () => {
  world = await createWorld();
  people = poolPeople(world);
  world.openai.script((question) => ({
    text: `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`,
    ...(question.includes('long') ? { usage: { input: 30_000, output: 30_000 } } : {}),
  }));
  await world.start({ FREE_DAILY_MESSAGES: '0' });
});
afterAll(async () => {
  await expectSums(world.database.db);
  await world.close();
});
afterEach(() => {
  expect(loggedErrors(world)).toEqual([]);
});

/** As if all that was asked so far had been asked so long ago. */
const earlier = (seconds: number) =>
  world.database.db.execute(
    sql`update reservations set at = now() - ${seconds}::int * interval '1 second'`,
  );

const TOO_FAST = /more within a minute than whoever pays for you allows.*Send it again/s;

test('each member has a pace of their own, and who is too fast slows nobody', async () => {
  const boss = await people.owner('month=1 requests=2 requests-all=60');
  const ben = people.person('Ben');
  expect(await people.joins(ben, await boss.link())).toMatch(
    /Requests a minute, of a member: 2 for each model.*of all together: 60 for each model/s,
  );
  const [carl] = await people.membersOf(boss, 'Carl');
  await ben.asks('ben one', /Answer to.*ben one/s);
  await ben.asks('ben two', /Answer to.*ben two/s);
  await ben.asks('ben three', TOO_FAST);
  expect(asked(world, 'ben three')).toEqual([]);
  await carl?.asks('carl one', /Answer to.*carl one/s);
  // By little it waits, and nobody with it.
  await earlier(45);
  ben.say('ben waits');
  const waiting = () =>
    world.database.db.execute<{ id: number }>(
      sql`select id from turns where status = 'queued' and not_before > now()`,
    );
  await waitFor(async () => (await waiting()).length === 1);
  await carl?.asks('carl two', /Answer to.*carl two/s);
  expect(asked(world, 'ben waits')).toEqual([]);
  expect(await waiting()).toHaveLength(1);
  await earlier(61);
  await world.database.db.execute(sql`update turns set not_before = now() where status = 'queued'`);
  await ben.sees(/Answer to.*ben waits/s);
  expect(people.keyFor('ben waits')).toBe(boss.key);
}, 30_000);

test('a member’s pace counts tokens too, and each model by itself', async () => {
  const boss = await people.owner(
    'month=9 models=gpt-5.4-mini,gpt-5.6-terra requests=gpt-5.6-terra:1 tokens=50000',
  );
  const [ben, carl] = await people.membersOf(boss, 'Ben', 'Carl');
  await ben?.asks('long ben', /Answer to.*long ben/s);
  await ben?.asks('ben after it', TOO_FAST);
  await carl?.asks('carl beside', /Answer to.*carl beside/s);
  await ben?.asks(`/pool use ${boss.name} gpt-5.6-terra`, /gpt-5.6-terra answers there/);
  await ben?.asks('ben elsewhere', /Answer to.*ben elsewhere/s);
  await ben?.asks('ben once more', TOO_FAST);
  await boss.asks(`/pool set ${boss.name} tokens=off requests=off`, /Changed/);
  const page = await boss.asks(`/pool ${boss.name}`, /is open/);
  expect(textOf(page)).not.toMatch(/a minute, of/);
  await ben?.asks('ben unbounded', /Answer to.*ben unbounded/s);
}, 30_000);

test('a pace for all together holds beside that of each', async () => {
  const boss = await people.owner('month=1 requests=2 requests-all=3');
  const [ben, carl] = await people.membersOf(boss, 'Ben', 'Carl');
  await ben?.asks('all one', /Answer to.*all one/s);
  await ben?.asks('all two', /Answer to.*all two/s);
  await carl?.asks('all three', /Answer to.*all three/s);
  await carl?.asks('all four', TOO_FAST);
  expect(asked(world, 'all four')).toEqual([]);
}, 30_000);
