/** Plans, rates and the house's drain, as people and the operator see them. */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Message } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { adjust, HOUSE, type Holder, NEW_USERS } from '../../src/funding/budgets.ts';
import { windowOf } from '../../src/funding/windows.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, textOf } from '../support/people.ts';

function somebodyIn(world: World, name: string) {
  const user = world.telegram.addUser({ first_name: name });
  const chat = world.telegram.privateChat(user);
  const said = () => botMessages(world, chat).map(textOf);
  return {
    name: `telegram:${user.id}`,
    user,
    said,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
    /** Asks, and waits for the answer. */
    async ask(text: string) {
      world.telegram.say(chat, user, text);
      return botSays(world, chat, new RegExp(`Answer to:.*${text}`, 's'));
    },
  };
}
type Somebody = ReturnType<typeof somebodyIn>;

const answering = (world: World) =>
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);

const PLANS = {
  free: { day: { turns: 2, usd: 0.5 }, models: ['openai/gpt-5.4-mini', 'openai/gpt-5.6-terra'] },
  pro: {
    day: { turns: 50 },
    month: { turns: 100, usd: 5 },
    models: ['openai/gpt-5.6-terra'],
    timeZone: 'Europe/Berlin',
  },
  quick: { day: { turns: 50 }, requestsPerMinute: 1 },
  single: { day: { turns: 50 }, waiting: 1 },
  house: { chatDayUsd: 0.000_001 },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-plans-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function plansFile(plans: object): Promise<string> {
  const file = join(folder, `${randomUUID()}.json`);
  await writeFile(file, JSON.stringify(plans));
  return file;
}

describe('plans', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld({ env: { PLANS_FILE: await plansFile(PLANS) } });
    answering(world);
    await world.start();
  });
  afterAll(() => world.close());

  const somebody = (name: string) => somebodyIn(world, name);
  const grant = (who: Somebody, ...args: readonly string[]) =>
    runAdmin(world, 'user', 'grant', who.name, ...args);
  const lastModel = () =>
    world.openai
      .completions()
      .flatMap((r) => /"model":"([^"]+)"/.exec(JSON.stringify(r.body))?.[1] ?? [])
      .at(-1);

  /** Somebody who has written already, on a plan. */
  async function granted(name: string, plan: string) {
    const who = somebody(name);
    who.say('/start');
    await who.sees(/Latchkey/);
    await grant(who, '--plan', plan);
    return who;
  }

  test('a newcomer is told what the free plan of the file gives', async () => {
    const ann = somebody('Ann');
    ann.say('/start');
    expect(textOf(await ann.sees(/Latchkey/))).toContain(
      '2 messages a day, up to $0.50, answered by gpt-5.4-mini',
    );
    ann.say('/terms');
    await ann.sees(/up to 2 messages and \$0\.50 a day for each person/);
  });

  test('one that the operator grants holds at once; /usage shows its windows and when they begin anew', async () => {
    const ann = somebody('Ann');
    await ann.ask('one');
    await ann.ask('two');
    ann.say('three');
    await ann.sees(/Your 2 free messages for today are used\. The next ones come/);
    expect(await grant(ann, '--plan', 'pro', '--until', '2099-12-31')).toContain(
      'has the plan "pro" until 2099-12-31T23:00:00.000Z',
    );
    expect(await runAdmin(world, 'user', 'plan', ann.name)).toContain('has the plan "pro"');
    await ann.ask('four');
    expect(lastModel()).toBe('gpt-5.6-terra');
    ann.say('/usage');
    const usage = textOf(await ann.sees(/Your plan: pro/));
    expect(usage).toMatch(/a day: 47 of 50 messages left until/);
    // Its month is new: the free plan has none.
    expect(usage).toMatch(/a month: 99 of 100 messages and \$4\.\d+ of \$5\.00 left until/);
    expect(usage).toMatch(/the plan ends/);
    await grant(ann, '--plan', 'free');
    ann.say('five');
    await world.telegram.waitFor(
      () => ann.said().filter((text) => text.includes('Your 2 free messages')).length === 2,
    );
  }, 60_000);

  test('one that has ended falls back to the free one', async () => {
    const eve = await granted('Eve', 'pro');
    await world.database.db.execute(sql`update plan_grants set until = now()`);
    await eve.ask('one');
    await eve.ask('two');
    eve.say('three');
    await eve.sees(/Your 2 free messages for today are used/);
  }, 60_000);

  test('one that is none, or for nobody, is refused in a sentence', async () => {
    const ann = somebody('Ann');
    await expect(grant(ann, '--plan', 'gold')).rejects.toThrow(/no plan "gold"/);
    await expect(grant(ann, '--plan', 'pro')).rejects.toThrow(/No user/);
    await expect(grant(ann, '--plan', 'pro', '--until', '2026-02-30')).rejects.toThrow(
      /It is a day/,
    );
  }, 60_000);

  test('their models are offered by /model, and answer once they are chosen', async () => {
    const ann = somebody('Ann');
    await ann.ask('one');
    expect(lastModel()).toBe('gpt-5.4-mini');
    ann.say('/model');
    ann.press(await ann.sees(/Models of your plan/), 'gpt-5.6-terra');
    await ann.sees(/From now on: gpt-5\.6-terra/);
    await ann.ask('two');
    expect(lastModel()).toBe('gpt-5.6-terra');
  }, 30_000);

  test('who is too fast by much is told when to ask again, and by little waits for it', async () => {
    const bob = await granted('Bob', 'quick');
    await bob.ask('slow');
    bob.say('fast');
    await bob.sees(/more within a minute than whoever pays for you allows.*Send it again/s);
    await world.database.db.execute(
      sql`update reservations set at = now() - interval '59 seconds'`,
    );
    await bob.ask('patient');
    expect(bob.said().filter((text) => text.includes('fast'))).toEqual([]);
    const [last] = await world.database.db.execute<{ attempt: number }>(
      sql`select attempt from turns order by id desc limit 1`,
    );
    expect(last?.attempt).toBe(2);
  }, 60_000);

  test('so many messages wait as the plan says', async () => {
    const dan = await granted('Dan', 'single');
    dan.say('first');
    dan.say('second');
    await dan.sees(/You have 1 message waiting already; I dropped this one/);
  }, 30_000);

  test('what the operator lets a group cost a day holds there, whatever its administrators set', async () => {
    const { user } = somebody('Cat');
    const group = world.telegram.group({ title: 'G', members: [user] });
    world.telegram.say(group, user, `@${world.telegram.bot.username} hello`);
    await botSays(world, group, /What the house gives this chat a day is used/);
  });
});

describe('the house’s day', () => {
  let world: World;
  let operator: Somebody;
  let friend: Somebody;
  beforeAll(async () => {
    world = await createWorld();
    answering(world);
    operator = somebodyIn(world, 'Olga');
    friend = somebodyIn(world, 'Friend');
    await world.start({
      OPERATOR_IDS: operator.name,
      PLANS_FILE: await plansFile({
        house: { allow: [operator.name, friend.name], newUsersDayUsd: 4.5 },
      }),
    });
  });
  afterAll(() => world.close());

  const spend = (holder: Holder, micros: number) =>
    adjust(
      world.database.db,
      { holder, window: windowOf('day', new Date()) },
      { turns: 0, micros },
      'test',
    );

  test('is for those alone whom the operator let in', async () => {
    const stranger = somebodyIn(world, 'Stranger');
    stranger.say('hello');
    await stranger.sees(/answers only those whom its operator has let in/);
    stranger.say('/usage');
    await stranger.sees(/you have no key of your own: your next message is not answered/);
    expect(world.openai.completions()).toEqual([]);
  });

  test('is seen by the operator as it goes: at 50, 80 and 100 %, and when new users have had theirs', async () => {
    await spend(HOUSE, 2_600_000);
    await friend.ask('one');
    await operator.sees(/50 % of the house’s day are spent: \$2\.6\d* of \$5\.00/);
    await spend(HOUSE, 1_600_000);
    await friend.ask('two');
    await operator.sees(/80 % of the house’s day are spent: \$4\.2\d* of \$5\.00/);
    await spend(NEW_USERS, 4_500_000);
    friend.say('three');
    await friend.sees(/given those who are new here everything/);
    await operator.sees(/What the house gives new users a day is used up/);
    await spend(HOUSE, 800_000);
    await spend(NEW_USERS, -4_500_000);
    friend.say('four');
    await friend.sees(/given away everything that it had for today/);
    await operator.sees(/The house’s day is used up/);
    expect(operator.said()).toHaveLength(4);
  }, 30_000);
});
