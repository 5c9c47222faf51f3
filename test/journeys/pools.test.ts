/** A key that is shared with members, as they and its owner meet it on Telegram. */

import type { Chat } from 'grammy/types';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botSays, loggedErrors, madeKey, takenIn, textOf } from '../support/people.ts';
import { poolPeople, tokenOf } from '../support/pool-people.ts';
import { dumpDatabase, formsOf } from '../support/traces.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let people: ReturnType<typeof poolPeople>;
const script = () =>
  world.openai.script((question) =>
    question.includes('expensive')
      ? { text: 'Dear answer', usage: { input: 5_000_000, output: 5_000_000 } }
      : `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`,
  );
beforeAll(async () => {
  world = await createWorld();
  people = poolPeople(world);
  script();
  await world.start({ FREE_DAILY_MESSAGES: '100' });
});
afterAll(async () => {
  await world.close();
});
afterEach(async () => {
  script();
  expect(loggedErrors(world)).toEqual([]);
  await expectSums(world.database.db);
});

describe('making', () => {
  test('without a key there is nothing to share', async () => {
    const ann = people.person();
    await ann.asks('/pool', /You are in no pool/);
    await ann.asks('/pool new algebra month=0.20', /I have none that works for it/);
  });

  test('one line makes it open; buttons make it step by step', async () => {
    const ann = await people.owner('key=openai models=gpt-5.4-mini month=0.30 total=20');
    const page = textOf(await ann.asks(`/pool ${ann.name}`, /is open/));
    expect(page).toMatch(/Key: yours for OpenAI/);
    expect(page).toMatch(/Budget of a member: \$0\.30 a month/);
    expect(page).toMatch(/\$0\.00 of \$20\.00 spent/);
    expect(page).toMatch(/Model: gpt-5\.4-mini/);

    await ann.asks('/pool new', /How is it called/);
    const draft = await ann.asks('/pool new guided', /Nobody is paid by it yet/);
    ann.press(draft, '$0.20 a month');
    ann.press(await ann.sees(/Budget of a member: \$0\.20 a month/), '$5 in all');
    const set = await ann.sees(/\$0\.00 of \$5\.00 spent/);
    ann.press(set, 'Open the pool');
    await ann.sees(/It is open/);
    await ann.asks('/pool', /guided.*0 members/s);
  }, 20_000);

  test('what makes no sense changes nothing', async () => {
    const ann = await people.owner('month=0.20 total=20');
    for (const words of [
      'month=-1',
      'month=0',
      'total=1e9',
      'total=99999999',
      'total=',
      'ends=2026-13-40',
      'zone=Mars/Base',
      'requests=0',
      'tokens=-5',
      'requests-all=1.5',
      'tokens-all=2000000000',
      'requests=gpt-a:0',
      'requests=:5',
      '-=5',
      'moderation=maybe',
      'colour=red',
      'members=0',
      'name=a/b',
      'hello',
    ]) {
      await ann.asks(`/pool set ${ann.name} ${words}`, /I did not understand/);
    }
    await ann.asks(`/pool set ${ann.name} moderation=required`, /moderates nothing/);
    await ann.asks(`/pool new ${ann.name}`, /of that name already/);
    await ann.asks('/pool new two words', /called by one word/);
    await ann.asks(`/pool ${ann.name}`, /\$0\.20 a month.*\$0\.00 of \$20\.00/s);
  }, 20_000);
});

describe('joining', () => {
  test('by a link, after reading what it means; then the pool pays, and says so', async () => {
    const boss = await people.owner();
    const ben = people.person('Ben');
    await ben.asks('before any pool', /Answer to.*before any pool/s);
    const page = await people.joins(ben, await boss.link());
    expect(page).toMatch(/\$0\.20 a month/);
    expect(page).toMatch(/sees your name \(Ben\)/);
    expect(page).toMatch(/does not see what you ask/);
    const answer = await ben.asks('what is a ring?', /Answer to.*what is a ring/s);
    expect(textOf(answer)).toMatch(new RegExp(`From now on pool ${boss.name} pays`));
    expect(people.keyFor('what is a ring?')).toBe(boss.key);
    expect(textOf(await ben.asks('/usage', /This month/))).toMatch(
      new RegExp(`• pool ${boss.name}: 1 answer.*next message is paid by pool ${boss.name}`, 's'),
    );
    expect(textOf(await ben.asks('/pool', /this month/))).toMatch(
      /\$0\.1\d+ of \$0\.20 left until/,
    );
    await boss.asks('mine', /Answer to.*mine/s);
    expect(people.keyFor('mine')).toBe(boss.key);
  }, 20_000);

  test('nobody joins unasked, twice, by a made-up link, by a dead link, or their own', async () => {
    const boss = await people.owner();
    const token = await boss.link();
    const ben = people.person('Ben');
    await ben.asks(`/pool join ${token}`, /Join pool/);
    await ben.asks('/pool', /You are in no pool/);
    await people.joins(ben, token);
    const again = await ben.asks(`/pool join ${token}`, /Join pool/);
    ben.press(again, 'Join');
    await ben.sees(/in pool .* already/);
    const made = '00000000-0000-4000-8000-000000000000';
    await ben.asks(`/pool join ${made}`, /invitation is over/);
    await boss.asks(`/pool join ${token}`, /is your own/);
    await boss.asks(`/pool uninvite ${boss.name}`, /works no more/);
    await people.person().asks(`/start pool-${token}`, /invitation is over/);
  }, 20_000);

  test('a list of names makes links that work once each, and the roster has those names', async () => {
    const boss = await people.owner();
    await boss.asks(`/pool invite ${boss.name} Carla, =2+5, Dora`, /A link for each/);
    const csv = boss.files().at(-1) ?? '';
    const tokens = csv
      .split('\n')
      .slice(1, 4)
      .map((line) => tokenOf(line));
    const [carla, evil] = [people.person('X'), people.person('Y')];
    await people.joins(carla, tokens[0] ?? '');
    await people.joins(evil, tokens[1] ?? '');
    await people.person().asks(`/pool join ${tokens[0]}`, /invitation is over/);
    const roster = await boss.asks(`/pool roster ${boss.name}`, /Roster of/);
    expect(textOf(roster)).toMatch(/Carla: \$0\.00 of \$0\.20 this month/);
    // A name is no formula.
    expect(boss.files().at(-1)).toContain("'=2+5");
    const dump = await dumpDatabase(world.database.db);
    expect(dump).not.toContain('Carla');
    expect(dump).not.toContain(tokens[2]);
  }, 20_000);

  test('a hundred at once get in as far as there is room', async () => {
    const boss = await people.owner('month=0.20 members=95');
    const token = await boss.link();
    const crowd = Array.from({ length: 100 }, (_, n) => people.person(`P${n}`));
    const pages = await Promise.all(
      crowd.map((one) => one.asks(`/pool join ${token}`, /Join pool/)),
    );
    for (const [n, one] of crowd.entries()) {
      const page = pages[n];
      if (page !== undefined) one.press(page, 'Join');
    }
    await Promise.all(crowd.map((one) => one.sees(/You are in pool|as many members/)));
    const full = crowd.filter((one) => one.said().some((text) => /as many members/.test(text)));
    expect(full).toHaveLength(5);
    await boss.asks(`/pool ${boss.name}`, /Members: 95 of at most 95/);
  }, 120_000);
});

describe('spending', () => {
  test('counts in no day of the house’s, neither everybody’s nor the member’s', async () => {
    const houseDays = () =>
      world.database.db.execute(sql`
        select holder_kind, holder_id, period, turns, spent_micros, reserved_micros from budgets
        where holder_kind not in ('pool', 'member') order by 1, 2, 3`);
    const boss = await people.owner('month=5 total=20');
    const [ben] = await people.membersOf(boss, 'Ben');
    const before = await houseDays();
    await ben?.asks('something expensive', /Dear answer/);
    expect(people.keyFor('something expensive')).toBe(boss.key);
    await ben?.asks('/usage', /pool .*: 1 answer/);
    expect(await houseDays()).toEqual(before);
  });

  test('a member’s budget ends, and the house goes on only with a word; the next is theirs', async () => {
    const boss = await people.owner('month=0.02 total=20');
    const [ben, carl] = await people.membersOf(boss, 'Ben', 'Carl');
    await ben?.asks('something expensive', /Dear answer/);
    const told = await ben?.asks('one more thing', /Answer to.*one more thing/s);
    expect(textOf(told)).toMatch(/your budget for this month is used; the next begins/);
    expect(textOf(told)).toMatch(/From now on the house pays/);
    expect(people.keyFor('one more thing')).toBe(world.openai.apiKey);
    await carl?.asks('carl has his own', /Answer to.*carl has his own/s);
    expect(people.keyFor('carl has his own')).toBe(boss.key);
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    expect(roster).toMatch(/Ben: \$0\.0[12]\d* of \$0\.02 this month/);

    const number = /• (\d+) Ben/.exec(roster)?.[1];
    await boss.asks(`/pool reset ${boss.name} ${number}`, /had spent .* is theirs again/);
    await ben?.asks('after the reset', /Answer to.*after the reset/s);
    expect(people.keyFor('after the reset')).toBe(boss.key);
    await ben?.asks('again expensive', /Dear answer/);
    await boss.asks(`/pool raise ${boss.name} ${number} 0.05`, /Raised by \$0\.05/);
    await ben?.asks('after the raise', /Answer to.*after the raise/s);
    expect(people.keyFor('after the raise')).toBe(boss.key);
    const after = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    expect(after).toMatch(/Ben: \$0\.0\d+ of \$0\.07 this month, \$0\.0[3-5]\d* in all/);
  }, 30_000);

  test('fifty parallel turns of members stay within the total', async () => {
    const boss = await people.owner('month=off total=0.10');
    const crowd = await people.membersOf(boss, ...Array.from({ length: 10 }, (_, n) => `M${n}`));
    for (const one of crowd) {
      for (let nth = 0; nth < 5; nth += 1) one.say(`expensive ${boss.name} ${nth}`);
    }
    await waitFor(() => asked(world, `expensive ${boss.name}`).length === 50, {
      timeoutMs: 60_000,
    });
    await Promise.all(
      crowd.map((one) =>
        waitFor(() => one.said().filter((text) => text.includes('Dear answer')).length === 5, {
          timeoutMs: 60_000,
        }),
      ),
    );
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    const spent = Number(/\$(\d+\.\d+) spent in all/.exec(roster)?.[1]);
    expect(spent).toBeGreaterThan(0.09);
    expect(spent).toBeLessThanOrEqual(0.1);
    const onKey = asked(world, `expensive ${boss.name}`).filter(
      ({ headers }) => headers.authorization === `Bearer ${boss.key}`,
    );
    expect(onKey.length).toBeLessThan(50);
  }, 120_000);

  test('faster than the pool lets all together be, a turn is not asked on it', async () => {
    const boss = await people.owner('month=1 requests-all=2');
    const [ben, carl] = await people.membersOf(boss, 'Ben', 'Carl');
    await ben?.asks('rate one', /Answer to.*rate one/s);
    await carl?.asks('rate two', /Answer to.*rate two/s);
    const third = await ben?.asks('rate three', /Answer to.*rate three/s);
    expect(textOf(third)).toMatch(/as often, or as much, as its owner allows in a minute/);
    expect(people.keyFor('rate three')).toBe(world.openai.apiKey);
    await boss.asks(`/pool set ${boss.name} requests-all=gpt-5.6-terra:9`, /Changed/);
    await ben?.asks('rate four', /Answer to.*rate four/s);
    expect(people.keyFor('rate four')).toBe(boss.key);
  }, 20_000);

  test('a member in two pools is paid by the oldest, the chosen one, or the chat’s', async () => {
    const [first, second, third] = [
      await people.owner('models=gpt-5.4-mini,gpt-5.6-terra'),
      await people.owner(),
      await people.owner(),
    ];
    const [ben] = await people.membersOf(first, 'Ben');
    if (ben === undefined) throw new Error('nobody');
    await people.joins(ben, await second.link());
    await ben.asks('pool by age', /Answer to.*pool by age/s);
    expect(people.keyFor('pool by age')).toBe(first.key);
    await ben.asks(`/pool use ${second.name}`, /comes before your other pools/);
    const told = await ben.asks('pool by choice', /Answer to.*pool by choice/s);
    expect(people.keyFor('pool by choice')).toBe(second.key);
    expect(textOf(told)).toContain(`From now on pool ${second.name} pays`);
    await ben.asks(`/pool use ${first.name} gpt-9`, /has these models/);
    await ben.asks(`/pool use ${first.name} gpt-5.6-terra`, /gpt-5.6-terra answers there/);
    await ben.asks('pool with model', /Answer to.*pool with model/s);
    expect(asked(world, 'pool with model')[0]?.body).toMatchObject({ model: 'gpt-5.6-terra' });

    const group = world.telegram.group({
      title: 'G',
      members: [first.user, ben.user],
      administrators: [third.user],
    });
    const me = `@${world.telegram.bot.username}`;
    ben.say(`/pool bind ${first.name}`, group);
    await botSays(world, group, /Only who may manage this chat/);
    third.say(`/pool bind ${third.name}`, group);
    await botSays(world, group, /pays for whoever asks me here/);
    ben.say(`${me} pool by chat`, group);
    await botSays(world, group, /Answer to.*pool by chat/s);
    expect(people.keyFor('pool by chat')).toBe(third.key);
  }, 30_000);
});

describe('a group', () => {
  test('that is bound pays for whoever asks, keeps doing so when it migrates, and stops when told', async () => {
    const boss = await people.owner();
    const [guest, other] = [people.person('Guest'), people.person('Other')];
    let group: Chat = world.telegram.group({
      title: 'Class',
      type: 'group',
      members: [guest.user, other.user],
      administrators: [boss.user],
    });
    const me = `@${world.telegram.bot.username}`;
    boss.say(`/pool bind ${boss.name}`, group);
    await botSays(world, group, /pays for whoever asks me here/);
    guest.say(`${me} asked by a guest`, group);
    await botSays(world, group, /Answer to.*asked by a guest/s);
    expect(people.keyFor('asked by a guest')).toBe(boss.key);
    // In private they are no members.
    await guest.asks('guest in private', /Answer to.*guest in private/s);
    expect(people.keyFor('guest in private')).toBe(world.openai.apiKey);
    group = world.telegram.migrate(group);
    await takenIn(world);
    other.say(`${me} after the move`, group);
    await botSays(world, group, /Answer to.*after the move/s);
    expect(people.keyFor('after the move')).toBe(boss.key);
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    expect(roster).toMatch(/guest: \$0\.0/);
    // Nobody's name is known to the owner who did not agree to that.
    expect(roster).not.toMatch(/Guest|Other/);
    boss.say('/pool unbind', group);
    await botSays(world, group, /No pool of yours pays/);
    guest.say(`${me} unbound`, group);
    await botSays(world, group, /Answer to.*unbound/s);
    expect(people.keyFor('unbound')).toBe(world.openai.apiKey);
  }, 30_000);

  test('gets an invitation as a button', async () => {
    const boss = await people.owner();
    const ben = people.person('Ben');
    const group = world.telegram.group({ title: 'C', members: [ben.user, boss.user] });
    boss.say(`/pool invite ${boss.name}`, group);
    const shown = await botSays(world, group, /You can join pool/);
    const url = world.telegram.buttons(shown)[0]?.url ?? '';
    await people.joins(ben, tokenOf(url));
    ben.say('/pool', group);
    await botSays(world, group, /a matter for our private chat/);
  }, 20_000);
});

describe('ending', () => {
  test('paused, members are told with their next answer; resumed, it pays again', async () => {
    const boss = await people.owner();
    const [ben] = await people.membersOf(boss, 'Ben');
    await ben?.asks('paid by it', /Answer to.*paid by it/s);
    await boss.asks(`/pool pause ${boss.name}`, /It is paused/);
    const told = textOf(await ben?.asks('while paused', /Answer to.*while paused/s));
    expect(told).toMatch(/is paused by its owner/);
    expect(told).toMatch(/From now on the house pays/);
    await boss.asks(`/pool resume ${boss.name}`, /It is open/);
    await ben?.asks('once resumed', /Answer to.*once resumed/s);
    expect(people.keyFor('once resumed')).toBe(boss.key);
    const question = await boss.asks(`/pool close ${boss.name}`, /for good\?/);
    boss.press(question, 'Close it for good');
    await boss.sees(/is closed/);
    const closed = textOf(await ben?.asks('when closed', /Answer to.*when closed/s));
    expect(closed).toMatch(/was closed by its owner/);
  }, 20_000);

  test('after its last day it pays no more, and resuming needs another one', async () => {
    const boss = await people.owner('month=0.20 ends=2020-01-01');
    const ben = people.person('Ben');
    await ben.asks('paid by the house', /Answer to.*paid by the house/s);
    await people.joins(ben, await boss.link());
    await ben.asks('after the end', /Answer to.*after the end/s);
    expect(people.keyFor('after the end')).toBe(world.openai.apiKey);
    await ben.asks('/pool', /is over: its last day has passed/);
    await boss.asks(`/pool resume ${boss.name}`, /Its last day has passed: set another/);
    await boss.asks(`/pool set ${boss.name} ends=2090-01-01`, /is open/);
    await ben.asks('with another end', /Answer to.*with another end/s);
    expect(people.keyFor('with another end')).toBe(boss.key);
  }, 20_000);

  test('the owner deletes the key: it pauses, is told once, and is not shared again unasked', async () => {
    const boss = await people.owner();
    const [ben] = await people.membersOf(boss, 'Ben');
    await ben?.asks('with the key', /Answer to.*with the key/s);
    const page = await boss.asks('/delkey', /Delete/);
    boss.press(page, 'Yes, delete it');
    await boss.sees(/[Dd]eleted/);
    const told = textOf(await ben?.asks('key gone one', /Answer to.*key gone one/s));
    expect(told).toMatch(/its owner’s key can’t be used/);
    expect(told).toMatch(/From now on the house pays/);
    await ben?.asks('key gone two', /Answer to.*key gone two/s);
    await boss.sees(/is paused: the key that it shared is gone/);
    expect(boss.said().filter((text) => /the key that it shared is gone/.test(text))).toHaveLength(
      1,
    );
    const next = world.openai.keys.add('valid', madeKey());
    await boss.asks(`/setkey ${next}`, /Saved|Replaced/);
    await ben?.asks('other key', /Answer to.*other key/s);
    expect(people.keyFor('other key')).toBe(world.openai.apiKey);
    await boss.asks(`/pool resume ${boss.name}`, /It is open/);
    await ben?.asks('shared again', /Answer to.*shared again/s);
    expect(people.keyFor('shared again')).toBe(next);
  }, 30_000);

  test('a refused key is told to the owner once, and to members without a word of the key', async () => {
    const boss = await people.owner();
    const [ben, carl] = await people.membersOf(boss, 'Ben', 'Carl');
    world.openai.keys.set(boss.key, 'revoked');
    await ben?.asks('refused one', /it can’t be used at the moment, and its owner was told/);
    await boss.sees(/refuses the key that your pool/);
    await carl?.asks('refused two', /Answer to.*refused two/s);
    expect(people.keyFor('refused two')).toBe(world.openai.apiKey);
    expect(boss.said().filter((text) => /refuses the key/.test(text))).toHaveLength(1);
    const next = world.openai.keys.add('valid', madeKey());
    await boss.asks(`/setkey ${next}`, /Saved|Replaced/);
    await carl?.asks('replaced', /Answer to.*replaced/s);
    expect(people.keyFor('replaced')).toBe(next);
  }, 30_000);

  test('the owner forgets themselves: what runs ends, members are told, names are gone', async () => {
    const boss = await people.owner();
    const [ben] = await people.membersOf(boss, 'Ben');
    await ben?.asks('before it', /Answer to.*before it/s);
    const page = await boss.asks('/forget', /Forget/);
    const label = world.telegram.buttons(page)[0]?.label ?? '';
    boss.press(page, label);
    await waitFor(async () => !(await dumpDatabase(world.database.db)).includes(boss.name));
    const told = textOf(await ben?.asks('after it', /Answer to.*after it/s));
    expect(told).toMatch(/is closed: its owner has left/);
    expect(told).toMatch(/From now on the house pays/);
    expect(people.keyFor('after it')).toBe(world.openai.apiKey);
  }, 30_000);

  test('a removed member’s turn that runs is settled; forgetting and leaving renew no budget', async () => {
    const boss = await people.owner('month=0.02');
    const [ben, carl, dora] = await people.membersOf(boss, 'Ben', 'Carl', 'Dora');
    world.openai.script([{ text: 'slow answer', delayMs: 1_000 }]);
    ben?.say('runs meanwhile');
    await waitFor(() => asked(world, 'runs meanwhile').length === 1);
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    await boss.asks(`/pool remove ${boss.name} ${/• (\d+) Ben/.exec(roster)?.[1]}`, /Removed/);
    await ben?.sees(/slow answer/);
    script();
    await ben?.sees(/has removed you/);
    await ben?.asks('once removed', /Answer to.*once removed/s);
    expect(people.keyFor('once removed')).toBe(world.openai.apiKey);
    const token = await boss.link();
    const page = await ben?.asks(`/pool join ${token}`, /Join pool/);
    if (page !== undefined) ben?.press(page, 'Join');
    await ben?.sees(/only an invitation for you alone/);

    await carl?.asks('expensive for carl', /Dear answer/);
    await carl?.asks(`/pool leave ${boss.name}`, /You left/);
    if (carl !== undefined) await people.joins(carl, token);
    await carl?.asks('carl again', /Answer to.*carl again/s);
    expect(people.keyFor('carl again')).toBe(world.openai.apiKey);

    await dora?.asks('expensive for dora', /Dear answer/);
    const forget = await dora?.asks('/forget', /Forget/);
    if (dora !== undefined && forget !== undefined) {
      dora.press(forget, world.telegram.buttons(forget)[0]?.label ?? '');
      await dora.sees(/[Ff]orgotten|is gone/);
      await people.joins(dora, token);
      await dora.asks('dora again', /Answer to.*dora again/s);
    }
    expect(people.keyFor('dora again')).toBe(world.openai.apiKey);
  }, 40_000);
});

describe('the key', () => {
  test('nobody but its owner sees it, uses it otherwise, or does what an owner does', async () => {
    const boss = await people.owner();
    const [ben] = await people.membersOf(boss, 'Ben');
    if (ben === undefined) throw new Error('nobody');
    await ben.asks('use of the key', /Answer to.*use of the key/s);
    for (const verb of ['set', 'roster', 'invite', 'pause', 'close', 'remove', 'review', 'reset']) {
      await ben.asks(`/pool ${verb} ${boss.name}`, /no pool of yours, or that you are in/);
    }
    const page = await boss.asks(`/pool ${boss.name}`, /is open/);
    for (const button of ['pause-1', 'closed-1', 'roster-1', 'set-1-month=900']) {
      for (let id = 1; id <= 30; id += 1) {
        world.telegram.pushUpdate({
          callback_query: {
            id: `${button}${id}`,
            from: ben.user,
            message: page,
            chat_instance: '1',
            data: `pool:${button.replace('-1', `-${id}`)}`,
          },
        });
      }
    }
    await takenIn(world);
    await boss.asks(`/pool ${boss.name}`, /is open.*\$0\.20 a month/s);
    await ben.asks('/keys', /no key/i);
    await ben.asks('/export', /That is all/);
    const all = [...ben.said(), ...ben.files()].join('\n');
    for (const [, form] of formsOf(boss.key)) expect(all).not.toContain(form);
    expect(all).toContain(boss.name);
    const dump = await dumpDatabase(world.database.db);
    for (const [, form] of formsOf(boss.key)) expect(dump).not.toContain(form);
  }, 30_000);

  test('an owner reads what is asked only of those who agreed to it when they joined', async () => {
    const boss = await people.owner();
    const [ben] = await people.membersOf(boss, 'Ben');
    await ben?.asks('bens secret question', /Answer to.*bens secret/s);
    await boss.asks(`/pool set ${boss.name} review=on`, /Changed/);
    const carl = people.person('Carl');
    const page = await carl.asks(`/pool join ${await boss.link()}`, /Join pool/);
    expect(textOf(page)).toMatch(/Its owner can read what you ask/);
    carl.press(page, 'I agree, and join');
    await carl.sees(/You are in pool/);
    await carl.asks('carls open question', /Answer to.*carls open/s);
    const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
    const number = (name: string) => new RegExp(`• (\\d+) ${name}`).exec(roster)?.[1];
    await boss.asks(`/pool review ${boss.name} ${number('Ben')}`, /only where the pool said so/);
    await boss.asks(`/pool review ${boss.name} ${number('Carl')}`, /The last 1 answered/);
    expect(boss.files().at(-1)).toMatch(/carls open question[\s\S]*Answer to/);
    expect(boss.files().join('')).not.toContain('bens secret');
    await boss.asks(`/pool set ${boss.name} review=off`, /Changed/);
    await boss.asks(`/pool review ${boss.name} ${number('Carl')}`, /only where the pool said so/);
  }, 30_000);
});
