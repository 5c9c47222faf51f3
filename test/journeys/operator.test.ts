/** What the operator sees and does with /admin and from the shell, and what everybody else sees of it. */

import { PermissionFlagsBits } from 'discord-api-types/v10';
import type { Message } from 'grammy/types';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { readHousePause, resumeHouse } from '../../src/funding/house-pause.ts';
import type { FakeDiscord, FakeUser } from '../fakes/discord.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, loggedErrors, madeKey, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let olga: Person;
let boss: FakeUser;

beforeAll(async () => {
  world = await createWorld({ discord: { rates: false } });
  olga = person('Olga');
  boss = discord().addUser({ name: 'boss' });
  await world.start({ OPERATOR_IDS: `telegram:${olga.user.id},discord:${boss.id}` });
  world.openai.script((question) => `Answer to: ${question}`);
});
afterAll(() => world.close());
afterEach(async () => {
  await resumeHouse(world.database.db);
});

function discord(): FakeDiscord {
  if (world.discord === undefined) throw new Error('no Discord');
  return world.discord;
}

function person(first_name: string) {
  const user = world.telegram.addUser({ first_name });
  const chat = world.telegram.privateChat(user);
  return {
    user,
    chat,
    account: `telegram:${user.id}`,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
    said: () => botMessages(world, chat).map(textOf),
  };
}
type Person = ReturnType<typeof person>;

async function asks(who: Person, word: string): Promise<void> {
  who.say(`about ${word}`);
  await who.sees(new RegExp(`Answer to: .*${word}`));
}

describe('/admin', () => {
  test('is shown in the menu of operators alone', () => {
    const calls = world.telegram.callsOf('setMyCommands').map(({ payload }) => payload);
    const showing = calls.filter((payload) => JSON.stringify(payload).includes('"admin"'));
    expect(showing.map(({ scope }) => scope)).toEqual([{ type: 'chat', chat_id: olga.user.id }]);
    expect(JSON.stringify(showing)).toContain('"setkey"');
  });

  test('does not exist for anybody else: not the command, its buttons, a line of /help', async () => {
    const eve = person('Eve');
    eve.say('/admin');
    const refusal = await eve.sees(/I don’t know \/admin/);
    eve.say('/nonsense');
    const other = await eve.sees(/I don’t know \/nonsense/);
    expect(textOf(refusal)).toBe(textOf(other).replace('nonsense', 'admin'));
    eve.say(`/admin suspend ${olga.account}`);
    world.telegram.pushUpdate({
      callback_query: {
        id: 'forged',
        from: eve.user,
        chat_instance: '1',
        message: refusal,
        data: 'admin:pause',
      },
    });
    eve.say('/start admin');
    eve.say('/help');
    expect(textOf(await eve.sees(/\/setkey/))).not.toContain('/admin');
    await asks(eve, 'fig');
    expect(eve.said().join('\n')).not.toMatch(/house pays|is paused|Suspended/i);
    await asks(olga, 'grape');
    olga.say('/help');
    await olga.sees(/\/admin – For operators/);
  });

  test('shows what was spent, by whom it was paid, by model, by day, and who cost most', async () => {
    const [ann, ben] = [person('Ann'), person('Ben')];
    await asks(ann, 'apple');
    await asks(ann, 'pear');
    const key = world.openai.keys.add('valid', madeKey());
    ben.say(`/setkey ${key}`);
    await ben.sees(/Saved/);
    await asks(ben, 'plum');
    olga.say('/admin');
    const home = await olga.sees(/The house pays/);
    expect(textOf(home)).toMatch(
      /Its day: \$0\.\d+ spent and \$0\.00 set aside of \$5\.00; \$4\.\d+ left until/,
    );
    expect(textOf(home)).toMatch(/Today, by who paid\n.*house: \$0\.\d+ for \d+ answers/);
    expect(textOf(home)).toContain('Nothing was flagged in 7 days.');
    olga.press(home, 'Totals');
    const totals = await olga.sees(/By model/);
    expect(textOf(totals)).toMatch(/house: \$0\.\d+ for \d+ answers/);
    expect(textOf(totals)).toMatch(/own: \$0\.\d+ for 1 answer\b/);
    expect(textOf(totals)).toMatch(/openai\/gpt-[\w.-]+: \$0\.\d+ for \d+ answers/);
    expect(textOf(totals)).toContain(new Date().toISOString().slice(0, 10));
    olga.press(totals, 'Back');
    olga.press(await olga.sees(/Its day/), 'Top users');
    const top = textOf(await olga.sees(/Most expensive, 7 days/));
    expect(top).toMatch(new RegExp(`[\\w-]{8} \\(${ann.account}\\): .* 2 answers; house \\$0`));
    expect(top.indexOf(ann.account)).toBeLessThan(top.indexOf(ben.account));
    expect(top).not.toContain(key);

    const shown = await runAdmin(world, 'totals', '--days', '1', '--json');
    const { rows } = JSON.parse(shown) as { rows: { funding: string; turns: number }[] };
    expect(rows.find(({ funding }) => funding === 'own')).toMatchObject({ turns: 1 });
    const ranked = await runAdmin(world, 'top');
    expect(ranked).toMatch(new RegExp(`${ann.account} +2 +\\$0`));
    const user = await runAdmin(world, 'user', 'show', ben.account);
    expect(user).toMatch(/openai +valid/);
    expect(user).toMatch(/own +month/);
    expect(user).toMatch(/done .*own +gpt/);
    expect(user).toContain('No plan was granted.');
    expect(user).toContain('Never warned, paused or suspended.');
    for (const secret of [key, key.slice(-4), 'plum']) expect(user).not.toContain(secret);
  });

  test('suspends for days with a reason that the user is told, and lifts', async () => {
    const mallory = person('Mallory');
    await asks(mallory, 'kiwi');
    olga.say(`/admin suspend ${mallory.account} 3 too *many* questions`);
    await olga.sees(/Suspended telegram:\d+ until .* \(suspension \d+\)/);
    mallory.say('about lemon');
    await mallory.sees(/does not answer you until .*too \*many\* questions/);
    expect(asked(world, 'lemon')).toEqual([]);
    olga.say(`/admin lift ${mallory.account}`);
    await olga.sees(/Lifted: the house answers telegram:\d+ again/);
    await asks(mallory, 'melon');
    for (const wrong of ['suspend', 'suspend somebody', `suspend ${mallory.account} 0`, 'drop']) {
      const { message_id } = olga.say(`/admin ${wrong}`);
      await world.telegram.waitFor(() =>
        botMessages(world, olga.chat).find(
          (m) => m.message_id > message_id && /suspends for seven days/.test(textOf(m)),
        ),
      );
    }
    await asks(mallory, 'mango');
  });

  test('shows what was flagged, newest first', async () => {
    const carl = person('Carl');
    await asks(carl, 'quince');
    await world.database.db.execute(sql`
      insert into moderation_log (user_id, direction, action, categories, scores)
      select user_id, 'input', 'flagged', '{hate}', '{"hate": 0.9}' from identities
      where platform_user_id = ${String(carl.user.id)}`);
    olga.say('/admin flagged');
    const flagged = textOf(await olga.sees(/Flagged in seven days/));
    expect(flagged).toMatch(new RegExp(`telegram:${carl.user.id}: input, hate`));
  });
});

describe('a paused house', () => {
  test('pays for nobody from the press on, says so once, and keys of users’ own go on', async () => {
    const [ann, ben] = [person('Ann'), person('Ben')];
    ben.say(`/setkey ${world.openai.keys.add('valid', madeKey())}`);
    await ben.sees(/Saved/);
    olga.say('/admin');
    const home = await olga.sees(/The house pays/);
    olga.press(home, 'Pause the house');
    await olga.sees(/Paused: the house pays for nobody[\s\S]*The house is paused since/);
    ann.say('about cherry');
    const told = await ann.sees(/paused by its operator/);
    expect(textOf(told)).toMatch(/\/setkey/);
    expect(world.telegram.buttons(told).map(({ label }) => label)).toEqual(['Use my own key']);
    expect(asked(world, 'cherry')).toEqual([]);
    ann.say('/usage');
    await ann.sees(/The house is paused by its operator for now/);
    await asks(ben, 'date');

    const status = JSON.parse(await runAdmin(world, 'house', 'status', '--json')) as object;
    expect(status).toMatchObject({ paused: { by: olga.account } });
    expect(await runAdmin(world, 'house', 'resume')).toBe('The house pays again.\n');
    await waitFor(async () => {
      const { message_id } = ann.say('about elder');
      const answer = await world.telegram.waitFor(() =>
        botMessages(world, ann.chat).find((m) => m.message_id > message_id),
      );
      return /Answer to/.test(textOf(answer)) ? true : undefined;
    });
  });
});

describe('on Discord', () => {
  test('an operator is answered alone, in a server; another administrator finds nothing', async () => {
    const [admin, ann] = ['admin', 'ann'].map((name) => discord().addUser({ name }));
    if (admin === undefined || ann === undefined) throw new Error('nobody');
    const guild = discord().addGuild({ name: 'Garden', members: [admin, boss, ann] });
    const channel = discord().addChannel(guild, { name: 'general' });
    const { Administrator } = PermissionFlagsBits;
    for (const one of [admin, boss]) discord().setUserPermissions(guild, one, Administrator);
    expect(() => ann.slash('admin', {}, channel)).toThrow(/lacks the permissions/);
    expect(() => boss.slash('admin', {}, discord().dm(boss))).toThrow(/not offered/);
    const home = await boss
      .slash('admin', {}, channel)
      .answered(({ content }) => /The house pays/.test(content));
    expect(home.ephemeral).toBe(true);
    const refused = await admin
      .slash('admin', { what: 'pause' }, channel)
      .answered(({ content }) => /I don’t know/.test(content));
    expect(refused.ephemeral).toBe(true);
    const lifted = await boss
      .slash('admin', { what: 'lift', user: `discord:${ann.id}` }, channel)
      .answered(({ content }) => /Nothing stood against/.test(content));
    expect(lifted.ephemeral).toBe(true);
    const typing = [
      ['user', ann.id],
      ['plan', 'fr'],
    ] as const;
    for (const [option, typed] of typing) {
      const mine = boss.autocompletes('admin', option, typed, channel);
      const foreign = admin.autocompletes('admin', option, typed, channel);
      const values = await waitFor(async () => mine.choices?.map(({ value }) => value));
      expect(values).toEqual(option === 'plan' ? ['free'] : []);
      expect(await waitFor(async () => foreign.choices)).toEqual([]);
    }
    boss.presses(home, 'Pause the house');
    const paused = await waitFor(() => readHousePause(world.database.db));
    expect(paused.by).toBe(`discord:${boss.id}`);
    expect(loggedErrors(world)).toEqual([]);
  });
});
