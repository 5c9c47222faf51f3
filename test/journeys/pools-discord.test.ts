/** Pools on Discord, across linked accounts, and under moderation. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FakeUser } from '../fakes/discord.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botSays, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

const BAD = 'zorbleflag';

let world: DiscordWorld;
let people: ReturnType<typeof poolPeople>;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { MODERATION: 'on', FREE_DAILY_MESSAGES: '50' } });
  people = poolPeople(world);
  world.openai.moderate((input) => ({ scores: input.includes(BAD) ? { hate: 0.97 } : {} }));
});
afterAll(async () => {
  await expectSums(world.database.db);
  await world.close();
});

const OPTIONS: Readonly<Record<string, string>> = { pool: 'what', link: 'code' };

async function runs(who: FakeUser, argument: string, name = 'pool') {
  const option = OPTIONS[name];
  const options = argument === '' || option === undefined ? {} : { [option]: argument };
  const given = who.slash(name, options, world.discord.dm(who));
  return given.answered(({ thinking }) => !thinking);
}
const tokenIn = (text: string) => /\/pool join ([\da-f-]{36})/.exec(text)?.[1] ?? '';

test('on Discord a pool is made, joined by a button in a server, and pays', async () => {
  const [boss, ann, guest] = [world.person('boss'), world.person('ann'), world.person('guest')];
  const key = await world.bringsKey(boss);
  expect((await runs(boss, 'new algebra month=0.20 total=20')).content).toMatch(/is open/);
  const channel = world.server([boss, ann, guest]);
  boss.slash('pool', { what: 'invite algebra' }, channel);
  const shown = await world.sees(ann, channel, /You can join pool/);
  ann.presses(shown, 'Join the pool');
  const dm = world.discord.dm(ann);
  const page = await world.sees(ann, dm, /Join pool/);
  ann.presses(page, 'Join');
  await world.sees(ann, dm, /You are in pool/);
  ann.says(dm, 'asked on discord');
  await world.sees(ann, dm, /asked on discord/);
  expect(people.keyFor('asked on discord')).toBe(key);
  const roster = await runs(boss, 'roster algebra');
  expect(roster.content).toMatch(/ann\S+: \$0\.0\d+ of \$0\.20 this month/);
  expect(world.wrongBodies()).toEqual([]);
}, 30_000);

test('membership and what was spent follow the person who links accounts, and part with them', async () => {
  const boss = await people.owner('month=0.20');
  const [ben] = await people.membersOf(boss, 'Ben');
  if (ben === undefined) throw new Error('nobody');
  const there = world.person('ben');
  const dm = world.discord.dm(there);
  await ben.asks('before linking', /before linking/);
  const code = /\/link ([A-Z0-9]{4}-[A-Z0-9]{4})/.exec(textOf(await ben.asks('/link', /\/link /)));
  there.presses(await runs(there, code?.[1] ?? '', 'link'), 'Join Discord and Telegram');
  await ben.sees(/joined with one on Discord/);
  there.says(dm, 'linked and paid');
  await world.sees(there, dm, /linked and paid/);
  expect(people.keyFor('linked and paid')).toBe(boss.key);
  const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
  expect(roster.match(/this month/g)).toHaveLength(1);
  const separate = await runs(there, '', 'unlink');
  there.presses(separate, separate.buttons[0]?.label ?? '');
  await botSays(world, ben.own, /separated/i);
  there.says(dm, 'on my own again');
  await world.sees(there, dm, /on my own again/);
  expect(people.keyFor('on my own again')).toBe(world.openai.apiKey);
  await ben.asks('ben is still in it', /ben is still in it/);
  expect(people.keyFor('ben is still in it')).toBe(boss.key);
}, 30_000);

test('a pool says itself whether it is moderated, and its owner sees how often something was flagged', async () => {
  const boss = await people.owner('month=0.20');
  const [ben] = await people.membersOf(boss, 'Ben');
  await ben?.asks(`${BAD} checked`, /did not pass this on/);
  expect(asked(world, `${BAD} checked`)).toEqual([]);
  const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
  expect(roster).toMatch(/Ben: .*1 flagged/);
  await boss.asks(`/pool set ${boss.name} moderation=off`, /Moderation: off/);
  await ben?.asks(`${BAD} unchecked`, /Answer to.*unchecked/s);
  expect(people.keyFor(`${BAD} unchecked`)).toBe(boss.key);
}, 30_000);

test('a link that was shown on one platform works on the other', async () => {
  const boss = await people.owner();
  const ann = world.person('ann');
  const token = tokenIn(textOf(await boss.asks(`/pool invite ${boss.name}`, /Whoever opens this/)));
  const page = await runs(ann, `join ${token}`);
  ann.presses(page, 'Join');
  await world.sees(ann, world.discord.dm(ann), /You are in pool/);
}, 20_000);
