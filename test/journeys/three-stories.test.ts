/** The README's three stories, with its commands as they are written there. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, madeKey, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

let world: World;
afterEach(() => world.close());

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

/** @returns what the README writes from the words on, to the end of the line or of the code */
function written(begins: string): string {
  const found = readme.split(/[`\n]/).find((piece) => piece.startsWith(begins));
  if (found === undefined) throw new Error(`README.md has no ${begins}`);
  return found.trim();
}

const shell = (command: string) =>
  runAdmin(world, ...command.replace('npm run admin -- ', '').split(' '));

async function started(env: Readonly<Record<string, string>>) {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  const { person } = poolPeople(world);
  const operator = person('Olga');
  await world.start({ ...env, OPERATOR_IDS: `telegram:${operator.user.id}` });
  return { person, operator };
}

test('visitors, on a budget: a taste each, codes for a workshop, and what it cost', async () => {
  const { person, operator } = await started({ FREE_DAILY_MESSAGES: '1', FREE_DAILY_USD: '0.05' });
  const visitor = person('Vera');
  await visitor.asks('a taste', /Answer to:.*a taste/s);
  const told = await visitor.asks('one more', /Your free message for today is used/);
  expect(world.telegram.buttons(told).map(({ label }) => label)).toEqual(['Use my own key']);
  expect(told.entities?.some(({ type }) => type === 'date_time')).toBe(true);

  expect(await shell(written('npm run admin -- voucher create --count 100'))).toMatch(/^100 codes/);
  const csv = await readFile(join(world.env.DATA_DIR ?? '', 'codes.csv'), 'utf8');
  const codes = [...csv.matchAll(/^((?:[A-Z0-9]{6}-?){3})/gm)].map(([, code]) => code);
  expect(new Set(codes).size).toBe(100);
  await visitor.asks(`/redeem ${codes[0]}`, /Redeemed: you have a credit of \$1\.00/);
  await visitor.asks('on a code', /Answer to:.*on a code/s);

  await operator.asks('/admin', /2 answers|house/);
  expect(await shell('npm run admin -- totals')).toMatch(/credit[\s\S]*house|house[\s\S]*credit/);
  expect(await shell('npm run admin -- top')).toContain(`telegram:${visitor.user.id}`);
}, 60_000);

test('a class on one key: what the teacher writes, and what a student reads', async () => {
  const { person } = await started({});
  const teacher = person('Tea');
  const key = world.openai.keys.add('valid', madeKey());
  await teacher.asks(`/setkey ${key}`, /Saved/);
  const made = await teacher.asks(written('/pool new algebra key='), /Made\. Invite people/);
  expect(textOf(made)).toMatch(/\$0\.20/);
  const link = textOf(await teacher.asks(written('/pool invite algebra'), /Whoever opens this/));
  const token = /pool[_ ](?:join )?([\w-]{20,})/.exec(link)?.[1] ?? '';
  const student = person('Stu');
  student.press(await student.asks(`/pool join ${token}`, /Join pool/), 'Join');
  await student.sees(/You are in|Joined|in the pool/);
  const answer = await student.asks('what is a group?', /Answer to:.*what is a group/s);
  expect(asked(world, 'what is a group')[0]?.headers.authorization).toBe(`Bearer ${key}`);
  expect(textOf(answer)).not.toContain(key);
  await teacher.asks(written('/pool invite algebra Ann, Bob'), /Ann[\s\S]*Bob/);
  const roster = await teacher.asks(written('/pool roster algebra'), /Roster of/);
  expect(textOf(roster)).toMatch(/Stu.*\$0\.\d+ of \$0\.20/);
  await world.telegram.waitFor(() => teacher.files().length > 0);
}, 60_000);

test('a service where users bring keys: nobody is answered without one, and whose key pays is capped by its owner', async () => {
  expect(written('FREE_DAILY_MESSAGES=0')).toBe('FREE_DAILY_MESSAGES=0');
  const { person } = await started({ FREE_DAILY_MESSAGES: '0' });
  const user = person('Uma');
  const greeting = await user.asks('/start', /Latchkey/);
  expect(textOf(greeting)).toMatch(/key/);
  expect(textOf(greeting)).not.toMatch(/\b0 messages|house/);
  expect(world.telegram.buttons(greeting).map(({ label }) => label)).toContain('Use my own key');
  const refusal = await user.asks('without a key', /everybody brings a key of their own/);
  expect(world.telegram.buttons(refusal).map(({ label }) => label)).toEqual(['Use my own key']);
  const nothing = textOf(await user.asks('/usage', /This month/));
  expect(nothing).toMatch(/a day: nothing; your own key pays[\s\S]*pays for nobody without a plan/);
  await user.asks('/terms', /Otherwise nobody/);
  expect(asked(world, 'without a key')).toEqual([]);
  const key = world.openai.keys.add('valid', madeKey());
  await user.asks(`/setkey ${key}`, /Saved/);
  await user.asks('with my key', /Answer to:.*with my key/s);
  expect(asked(world, 'with my key')[0]?.headers.authorization).toBe(`Bearer ${key}`);
  await user.asks('/limit 0.50', /\$0\.50/);
  const usage = textOf(await user.asks('/usage', /This month/));
  expect(usage).toMatch(/own key: 1 answer/);
  expect(usage).not.toMatch(/0 of 0|used up/);
  expect(botMessages(world, user.own).map(textOf).join()).not.toContain(key);
}, 40_000);
