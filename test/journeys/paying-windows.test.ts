/** When allowances begin anew: day, week and month at once, where months turn and clocks change. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Message } from 'grammy/types';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { type MovingClock, moveClock } from '../support/moving-clock.ts';
import { botMessages, textOf } from '../support/people.ts';

let world: World;
let clock: MovingClock;
beforeEach(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question}`);
  clock = moveClock();
});
afterEach(async () => {
  clock.restore();
  await world.close();
});

async function start(plans: object, env: Readonly<Record<string, string>> = {}) {
  const file = join(world.env.DATA_DIR ?? '', 'plans.json');
  await writeFile(file, JSON.stringify(plans));
  await world.start({ PLANS_FILE: file, ...env });
}

function person() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  return {
    /** Says it at a moment. @returns what the bot says to it */
    async at(moment: string, text = 'well?') {
      clock.set(moment);
      const { message_id } = world.telegram.say(chat, user, text);
      return world.telegram.waitFor(
        () => botMessages(world, chat).find((message) => message.message_id > message_id),
        { timeoutMs: 15_000 },
      );
    },
  };
}

/** The moments that stand in a message, as the platform renders them for its reader. */
const timesIn = (message: Message) =>
  (message.entities ?? []).flatMap((entity) =>
    'unix_time' in entity ? [new Date(Number(entity.unix_time) * 1000).toISOString()] : [],
  );

test('day, week and month hold at once by the plan’s clock, also where it is put forward', async () => {
  await start({
    free: {
      day: { turns: 2 },
      week: { turns: 3 },
      month: { turns: 4 },
      timeZone: 'Europe/Berlin',
    },
  });
  const ann = person();
  const answers = async (moment: string) =>
    expect(textOf(await ann.at(moment))).toMatch(/Answer to/);
  const refuses = async (moment: string, what: RegExp, until: string) => {
    const told = await ann.at(moment);
    expect(textOf(told)).toMatch(what);
    expect(timesIn(told)).toEqual([until]);
  };
  // Saturday; clocks go forward in the night after the next midnight.
  await answers('2027-03-27T20:00:00Z');
  await answers('2027-03-27T20:01:00Z');
  const day = /2 free messages for today are used/;
  await refuses('2027-03-27T22:59:50Z', day, '2027-03-27T23:00:00.000Z');
  // Sunday: the third of the week. It has 23 hours, and the week ends with it.
  await answers('2027-03-27T23:00:01Z');
  const week = /gives you a week is used/;
  await refuses('2027-03-28T21:59:50Z', week, '2027-03-28T22:00:00.000Z');
  const usage = textOf(await ann.at('2027-03-28T21:59:55Z', '/usage'));
  expect(usage).toMatch(/a day: 1 of 2.*\n.*a week: 0 of 3.*\n.*a month: 1 of 4/);
  await answers('2027-03-28T22:00:01Z');
  // The month ends by summer time, two hours before UTC's; it is told, since a new day is no help.
  const month = /gives you a month is used/;
  await refuses('2027-03-28T22:01:00Z', month, '2027-03-31T22:00:00.000Z');
  await refuses('2027-03-31T21:59:50Z', month, '2027-03-31T22:00:00.000Z');
  await answers('2027-03-31T22:00:01Z');
  await expectSums(world.database.db);
}, 40_000);

test('a day on which clocks are put back has 25 hours', async () => {
  await start({ free: { day: { turns: 1 }, timeZone: 'Europe/Berlin' } });
  const ann = person();
  expect(textOf(await ann.at('2027-10-30T22:00:01Z'))).toMatch(/Answer to/);
  const told = await ann.at('2027-10-31T22:59:50Z');
  expect(textOf(told)).toMatch(/Your free message for today is used\. The next one comes/);
  expect(timesIn(told)).toEqual(['2027-10-31T23:00:00.000Z']);
  expect(textOf(await ann.at('2027-10-31T23:00:01Z'))).toMatch(/Answer to/);
}, 40_000);

test('the house’s day is UTC’s; by the hour, what it has for one is told and comes with the next', async () => {
  await start(
    { free: { day: { usd: 1 }, timeZone: 'America/New_York' }, house: { hourly: true } },
    { HOUSE_DAILY_USD: '0.24', HOUSE_MODEL: 'openai/gpt-5.4-mini' },
  );
  // An hour has a cent; each answer costs most of one.
  const dear = { usage: { input: 100, output: 2_000 } };
  world.openai.script((question) => ({ text: `Answer to: ${question}`, ...dear }));
  const ann = person();
  expect(textOf(await ann.at('2027-05-10T00:00:01Z'))).toMatch(/Answer to/);
  const hour = await ann.at('2027-05-10T00:59:30Z');
  expect(textOf(hour)).toMatch(/everything that it had for this hour/);
  expect(timesIn(hour)).toEqual(['2027-05-10T01:00:00.000Z']);
  // What was left over goes on to the next hours.
  for (const second of [1, 2, 3]) {
    expect(textOf(await ann.at(`2027-05-10T04:00:0${second}Z`))).toMatch(/Answer to/);
  }
  clock.set('2027-05-10T23:00:00Z');
  const lasts: string[] = [];
  for (let nth = 10; nth < 59 && !lasts.at(-1)?.includes('had for today'); nth += 1) {
    lasts.push(textOf(await ann.at(`2027-05-10T23:59:${nth}Z`)));
  }
  expect(lasts.at(-1)).toMatch(/everything that it had for today/);
  expect(textOf(await ann.at('2027-05-11T00:00:01Z'))).toMatch(/Answer to/);
}, 60_000);

test('faster than a model’s requests or a plan’s tokens a minute, a turn is told when it may come', async () => {
  await start(
    {
      free: { day: { turns: 50 }, tokensPerMinute: 9_000 },
      house: { models: { 'openai/gpt-5.4-mini': { requestsPerMinute: 2 } } },
    },
    { HOUSE_MODEL: 'openai/gpt-5.4-mini' },
  );
  const used = { input: 5_000, output: 1_000 };
  world.openai.script((question) => ({ text: `Answer to: ${question}`, usage: used }));
  const [ann, bob] = [person(), person()];
  expect(textOf(await ann.at('2027-05-10T10:00:00Z'))).toMatch(/Answer to/);
  // Six thousand of nine are used, and an answer may take four.
  const tokens = await ann.at('2027-05-10T10:00:10Z');
  expect(textOf(tokens)).toMatch(/more within a minute than whoever pays for you allows/);
  expect(timesIn(tokens)).toEqual(['2027-05-10T10:01:00.000Z'].map(nextMinute));
  expect(textOf(await bob.at('2027-05-10T10:00:20Z'))).toMatch(/Answer to/);
  // The third of the model within the minute, whoever asks.
  const cat = person();
  const requests = await cat.at('2027-05-10T10:00:30Z');
  expect(textOf(requests)).toMatch(/more within a minute than whoever pays for you allows/);
  expect(timesIn(requests)).toHaveLength(1);
  expect(textOf(await cat.at('2027-05-10T10:02:30Z'))).toMatch(/Answer to/);
}, 40_000);

/** A moment after it is shown by the next whole minute. */
function nextMinute(moment: string): string {
  return new Date(Date.parse(moment) + 60_000).toISOString();
}
