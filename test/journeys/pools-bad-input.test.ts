/** What goes wrong with pools: what owners mistype, devices that press alike, links and months that are over. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { loggedErrors, takenIn, textOf } from '../support/people.ts';
import { poolPeople, tokenOf } from '../support/pool-people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let people: ReturnType<typeof poolPeople>;
beforeAll(async () => {
  world = await createWorld();
  people = poolPeople(world);
  world.openai.script((question) =>
    question.includes('expensive')
      ? { text: 'Dear answer', usage: { input: 5_000_000, output: 5_000_000 } }
      : `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`,
  );
  await world.start({ FREE_DAILY_MESSAGES: '100' });
});
afterAll(() => world.close());
afterEach(async () => {
  expect(loggedErrors(world)).toEqual([]);
  await expectSums(world.database.db);
});

const SUMS = [
  '-1',
  '0',
  '0.00',
  '1e9',
  '99999999',
  '1000000.01',
  'abc',
  'NaN',
  '1,000',
  '0x10',
  '--1',
];
const COUNTS = ['-1', '0', '1.5', '1e3', '99999999999', 'ten', 'gpt-a:', ':5', 'gpt-a:-1', '1,,2'];

/** How often the bot said it to them. */
const timesSaid = (who: { said(): readonly string[] }, what: RegExp) =>
  who.said().filter((text) => what.test(text)).length;

const refused = (who: { said(): readonly string[] }, times: number) =>
  waitFor(() => timesSaid(who, /I did not understand/) === times, { timeoutMs: 30_000 });

describe('what makes no sense', () => {
  const words = [
    ...['month', 'day', 'hour', 'total'].flatMap((key) => SUMS.map((sum) => `${key}=${sum}`)),
    ...['requests', 'tokens', 'requests-all', 'tokens-all'].flatMap((key) =>
      COUNTS.map((count) => `${key}=${count}`),
    ),
    ...['-1', '0', '10001', 'many', '1.5'].map((count) => `members=${count}`),
    ...['2026-02-30', 'tomorrow', '0', '1999-01-01', '-1'].map((day) => `ends=${day}`),
    ...['zone=Mars', 'zone=0', 'key=nobody', 'models=', 'models=a,,b', 'models=a;b'],
    ...['carry=yes', 'review=1', 'moderation=never', 'name=two.words', `name=${'n'.repeat(33)}`],
  ];

  test('is refused by each setting of a pool, and changes none of them', async () => {
    const boss = await people.owner('month=0.20 total=20');
    const before = textOf(await boss.asks(`/pool ${boss.name}`, /is open/));
    for (const word of words) boss.say(`/pool set ${boss.name} ${word}`);
    await refused(boss, words.length);
    expect(textOf(await boss.asks(`/pool ${boss.name}`, /is open/))).toBe(before);
  }, 60_000);

  test('makes no pool, and a pool that is being made goes on being made', async () => {
    const boss = await people.owner();
    for (const word of words) boss.say(`/pool new misspelt ${word}`);
    await refused(boss, words.length);
    expect(textOf(await boss.asks('/pool', /Your own pools/))).not.toContain('misspelt');
    const draft = await boss.asks('/pool new other', /Nobody is paid by it yet/);
    await boss.asks('/pool set other month=-5', /I did not understand/);
    boss.press(draft, '$5 a month');
    await boss.sees(/Budget of a member: \$5\.00 a month/);
  }, 60_000);

  test('raises nobody’s budget', async () => {
    const boss = await people.owner('month=0.20');
    await people.membersOf(boss, 'Ben');
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    const number = /• (\d+) Ben/.exec(roster)?.[1];
    for (const sum of [...SUMS, '$']) boss.say(`/pool raise ${boss.name} ${number} ${sum}`);
    await refused(boss, SUMS.length + 1);
    for (const nobody of ['0', '-1', '999999', 'Ben', '#']) {
      await boss.asks(`/pool raise ${boss.name} ${nobody} 1`, /nobody of that number/);
    }
    expect(textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/))).toBe(roster);
  }, 60_000);
});

describe('two devices', () => {
  test('that press the same button do it once', async () => {
    const boss = await people.owner('month=0.20');
    const ben = people.person('Ben');
    const token = await boss.link();
    const invitation = await ben.asks(`/pool join ${token}`, /Join pool/);
    for (const _ of [1, 2]) ben.press(invitation, 'Join');
    await takenIn(world);
    await ben.sees(/You are in pool/);
    const page = await boss.asks(`/pool ${boss.name}`, /Members: 1 of/);
    for (const _ of [1, 2]) boss.press(page, 'Pause');
    await takenIn(world);
    await boss.sees(/is paused by its owner/);
    const told = textOf(await ben.asks('while paused', /Answer to.*while paused/s));
    expect(told).toMatch(/is paused by its owner/);
    const paused = await boss.asks(`/pool ${boss.name}`, /is paused/);
    for (const _ of [1, 2]) boss.press(paused, 'Open again');
    await takenIn(world);
    await ben.asks('once resumed', /Answer to.*once resumed/s);
    expect(people.keyFor('once resumed')).toBe(boss.key);
  }, 30_000);

  test('that raise alike raise twice, remove alike remove once, close alike close once', async () => {
    const boss = await people.owner('month=0.20');
    const [ben] = await people.membersOf(boss, 'Ben');
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    const number = /• (\d+) Ben/.exec(roster)?.[1];
    for (const _ of [1, 2]) boss.say(`/pool raise ${boss.name} ${number} 0.05`);
    await waitFor(() => timesSaid(boss, /Raised by \$0\.05/) === 2);
    await boss.asks(`/pool roster ${boss.name}`, /Ben: \$0\.00 of \$0\.30 this month/);
    for (const _ of [1, 2]) boss.say(`/pool remove ${boss.name} ${number}`);
    await takenIn(world);
    await ben?.sees(/has removed you/);
    await boss.asks(`/pool ${boss.name}`, /Members: 0 of/);
    if (ben !== undefined) expect(timesSaid(ben, /has removed you/)).toBe(1);
    const question = await boss.asks(`/pool close ${boss.name}`, /for good\?/);
    for (const _ of [1, 2]) boss.press(question, 'Close it for good');
    await takenIn(world);
    await boss.asks('/pool', /You are in no pool/);
  }, 30_000);
});

test('a list of a hundred names joins at once, each by its own name, and one file has them all', async () => {
  const boss = await people.owner('month=0.20 members=100');
  const names = Array.from({ length: 100 }, (_, n) => `Student ${n + 1}`);
  await boss.asks(`/pool invite ${boss.name} ${names.join(', ')}`, /A link for each/);
  const lines = (boss.files().at(-1) ?? '').trim().split('\n').slice(1);
  const crowd = lines.map((line) => ({ who: people.person('X'), token: tokenOf(line) }));
  expect(new Set(crowd.map(({ token }) => token)).size).toBe(100);
  await Promise.all(crowd.map(({ who, token }) => people.joins(who, token)));
  await boss.asks(`/pool roster ${boss.name}`, /and 60 more: the file has them all/);
  // Where the list is long, the file follows it.
  await waitFor(() => boss.files().at(-1)?.startsWith('number,') === true);
  const csv = boss.files().at(-1) ?? '';
  for (const name of names) expect(csv).toContain(`,${name},member,`);
}, 120_000);

test('a link after its end is refused as ended, also to who had read it before', async () => {
  const boss = await people.owner();
  const token = await boss.link();
  const [early, late] = [people.person('Early'), people.person('Late')];
  const page = await early.asks(`/pool join ${token}`, /Join pool/);
  await world.database.db.execute(
    sql`update pool_invites set expires_at = now() - interval '1 second'`,
  );
  await late.asks(`/start pool-${token}`, /This invitation is over/);
  early.press(page, 'Join');
  await early.sees(/This invitation is over/);
  await boss.asks(`/pool ${boss.name}`, /Members: 0 of/);
}, 30_000);

/** As if the members had joined, and spent what they have, a month ago. */
async function aMonthLater(): Promise<void> {
  const { db } = world.database;
  await db.execute(sql`update pool_members set joined_at = joined_at - interval '2 months'`);
  await db.execute(sql`
    update budgets set starts = starts - interval '1 month' where holder_kind = 'member'`);
}

test('what is left is gone when the month turns, unless the owner said otherwise', async () => {
  const plain = await people.owner('month=0.05 total=20');
  const carrying = await people.owner('month=0.05 total=20 carry=on');
  const [ann] = await people.membersOf(plain, 'Ann');
  const [ben] = await people.membersOf(carrying, 'Ben');
  await ann?.asks('expensive for ann', /Dear answer/);
  await ben?.asks('a cheap one', /Answer to.*a cheap one/s);
  await aMonthLater();
  // Spent in full last month, and nothing of that is taken from, or added to, this one.
  await ann?.asks('/pool', /this month: \$0\.05 of \$0\.05 left/);
  const carried = textOf(await ben?.asks('/pool', /this month/));
  expect(carried).toMatch(/this month: \$0\.09\d* of \$0\.09\d* left/);
  await plain.asks(`/pool set ${plain.name} carry=on`, /Changed/);
  await ann?.asks('/pool', /this month: \$0\.05\d* of \$0\.05\d* left/);
  // What is spent now is not carried into the month in which it is spent.
  await ben?.asks('another cheap one', /Answer to.*another cheap one/s);
  const since = textOf(await ben?.asks('/pool', /this month/));
  expect(/of (\S+) left/.exec(since)?.[1]).toBe(/of (\S+) left/.exec(carried)?.[1]);
  await ann?.asks('what is left of nothing', /Answer to.*left of nothing/s);
  await ann?.asks('/pool', /this month: \$0\.0[45]\d* of \$0\.05\d* left/);
  await carrying.asks(`/pool set ${carrying.name} carry=off`, /Changed/);
  await ben?.asks('/pool', /this month: \$0\.04\d* of \$0\.05 left/);
  // What was carried over is carried no further.
  await carrying.asks(`/pool set ${carrying.name} carry=on`, /Changed/);
  await aMonthLater();
  await ben?.asks('/pool', /this month: \$0\.09\d* of \$0\.09\d* left/);
}, 30_000);

test('a member in two pools goes on with the other when one is used up or closed, and is told', async () => {
  const [first, second] = [await people.owner('month=0.02'), await people.owner('month=0.20')];
  const [ben] = await people.membersOf(first, 'Ben');
  if (ben === undefined) throw new Error('nobody');
  await people.joins(ben, await second.link());
  await ben.asks('expensive on the first', /Dear answer/);
  const told = textOf(await ben.asks('on the second', /Answer to.*on the second/s));
  expect(people.keyFor('on the second')).toBe(second.key);
  expect(told).toMatch(new RegExp(`pool ${first.name}.*budget for this month is used`));
  expect(told).toMatch(new RegExp(`From now on pool ${second.name} pays`));
  const question = await second.asks(`/pool close ${second.name}`, /for good\?/);
  second.press(question, 'Close it for good');
  await second.sees(/is closed/);
  const last = textOf(await ben.asks('on neither', /Answer to.*on neither/s));
  expect(last).toMatch(/From now on the house pays/);
}, 30_000);
