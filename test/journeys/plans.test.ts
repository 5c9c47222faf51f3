/** Plans, rates and the house's drain, as people and the operator see them. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, madeKey, textOf } from '../support/people.ts';

let world: World;
let folder: string;
let operator: ReturnType<typeof somebody>;
let guest: ReturnType<typeof somebody>;

function somebody(name: string) {
  const user = world.telegram.addUser({ first_name: name });
  const chat = world.telegram.privateChat(user);
  const said = () => botMessages(world, chat).map(textOf);
  return {
    name: `telegram:${user.id}`,
    user,
    said,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    /** Asks, and waits for the answer. */
    async ask(text: string) {
      world.telegram.say(chat, user, text);
      return botSays(world, chat, new RegExp(`Answer to:[^]*${text}`));
    },
  };
}

const PLANS = {
  free: { day: { turns: 2, usd: 0.5 }, models: ['openai/gpt-5.4-mini', 'openai/gpt-5.6-terra'] },
  pro: {
    day: { turns: 50 },
    month: { turns: 100, usd: 5 },
    models: ['openai/gpt-5.6-terra'],
    timeZone: 'Europe/Berlin',
  },
  quick: { day: { turns: 50 }, requestsPerMinute: 1, waiting: 1 },
  house: { chatDayUsd: 0.000_001 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-plans-'));
  const file = join(folder, 'plans.json');
  await writeFile(file, JSON.stringify(PLANS));
  world = await createWorld({ env: { PLANS_FILE: file } });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  operator = somebody('Olga');
  guest = somebody('Guest');
  await world.start({ OPERATOR_IDS: operator.name });
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const modelsAsked = () =>
  world.openai.requests.flatMap((r) => /"model":"([^"]+)"/.exec(JSON.stringify(r.body))?.[1] ?? []);

test('a newcomer is told what the free plan of the file gives', async () => {
  guest.say('/start');
  expect(textOf(await guest.sees(/Latchkey/))).toContain('2 messages a day, up to $0.50');
  guest.say('/terms');
  await guest.sees(/up to 2 messages and \$0\.50 a day for each person/);
});

test('a plan that the operator grants holds at once; /usage shows its windows and when they begin anew', async () => {
  const ann = somebody('Ann');
  await ann.ask('one');
  await ann.ask('two');
  ann.say('three');
  await ann.sees(/Your 2 free messages for today are used\. The next ones come/);
  const out = await runAdmin(
    world,
    'user',
    'grant',
    ann.name,
    '--plan',
    'pro',
    '--until',
    '2099-12-31',
  );
  expect(out).toContain('has the plan "pro" until 2099-12-31T23:00:00.000Z');
  expect(await runAdmin(world, 'user', 'plan', ann.name)).toContain('has the plan "pro"');
  await ann.ask('four');
  expect(modelsAsked().at(-1)).toBe('gpt-5.6-terra');
  ann.say('/usage');
  const usage = textOf(await ann.sees(/Your plan: pro/));
  expect(usage).toMatch(/a day: 47 of 50 messages left until/);
  // The month's window is new with the plan: the free one has none.
  expect(usage).toMatch(/a month: 99 of 100 messages and \$4\.\d+ of \$5\.00 left until/);
  expect(usage).toMatch(/the plan ends/);
  await runAdmin(world, 'user', 'grant', ann.name, '--plan', 'free');
  ann.say('five');
  await ann.sees(/Your 2 free messages for today are used/);
}, 60_000);

test('a grant of what is no plan, or to nobody, is refused in a sentence', async () => {
  const grant = (...args: readonly string[]) => runAdmin(world, 'user', 'grant', ...args);
  await expect(grant(operator.name, '--plan', 'gold')).rejects.toThrow(/no plan "gold"/);
  await expect(grant('telegram:1', '--plan', 'pro')).rejects.toThrow(/No user/);
  await expect(grant(operator.name, '--plan', 'pro', '--until', '2026-02-30')).rejects.toThrow(
    /It is a day/,
  );
}, 60_000);

test('who is too fast for their plan is told when to ask again', async () => {
  const bob = somebody('Bob');
  bob.say('/start');
  await bob.sees(/Latchkey/);
  await runAdmin(world, 'user', 'grant', bob.name, '--plan', 'quick');
  await bob.ask('slow');
  bob.say('fast');
  await bob.sees(/more within a minute than whoever pays for you allows.*Send it again/s);
  expect(bob.said().some((text) => /Answer to:[^]*fast/.test(text))).toBe(false);
}, 60_000);

test('what the operator lets a group cost a day holds there, whatever its administrators set', async () => {
  const cat = somebody('Cat');
  const group = world.telegram.group({ title: 'G', members: [cat.user] });
  world.telegram.say(group, cat.user, `@${world.telegram.bot.username} hello`);
  await botSays(world, group, /What the house gives this chat a day is used/);
});
