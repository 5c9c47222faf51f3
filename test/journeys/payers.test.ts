/** Who pays, as a person sees it: the order, what is told when it changes, and "ask me". */

import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Chat, Message } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, botMessages, botSays, madeKey, takenIn, textOf } from '../support/people.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start({ FREE_DAILY_MESSAGES: '2' });
});
afterAll(() => world.close());

function person() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const own = world.telegram.privateChat(user);
  const one = {
    user,
    chat: own,
    say: (text: string, chat: Chat = own) => world.telegram.say(chat, user, text),
    sees: (what: RegExp, chat: Chat = own) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
    async hears(text: string) {
      one.say(text);
      return textOf(await one.sees(new RegExp(`Answer to:\\s*${text}`)));
    },
    async bringsKey() {
      const key = world.openai.keys.add('valid', madeKey());
      one.say(`/setkey ${key}`);
      await one.sees(/Saved/);
      return key;
    },
    async choosesOrder(label: string) {
      one.say('/settings');
      one.press(await one.sees(/Your settings/), label);
      await one.sees(new RegExp(`Who pays: ${label}`));
    },
  };
  return one;
}

describe('an answer says who pays from now on', () => {
  test.concurrent('where another paid before, once, and what it means for the bill', async () => {
    const ann = person();
    expect(await ann.hears('one')).not.toMatch(/From now on/);
    await ann.bringsKey();
    expect(await ann.hears('two')).toMatch(
      /From now on your own key pays: your provider bills you directly/,
    );
    expect(await ann.hears('three')).not.toMatch(/From now on/);
    ann.say('/usage');
    expect(textOf(await ann.sees(/This month/))).toMatch(
      /own key: 2 answers[\s\S]*house: 1 answer,|house: 1 answer,[\s\S]*own key: 2 answers/,
    );
  });

  test.concurrent('and says nothing of it to others in a group', async () => {
    const ann = person();
    await ann.hears('one');
    await ann.bringsKey();
    await world.database.db.execute(sql`
      update users set group_consent_at = now() where id =
        (select user_id from identities where platform_user_id = ${String(ann.user.id)})`);
    const group = world.telegram.group({ title: 'G', members: [ann.user] });
    ann.say(`@${world.telegram.bot.username} there`, group);
    const answer = textOf(await ann.sees(/Answer to.*there/s, group));
    expect(answer).toMatch(/Who pays for your messages has changed: \/usage in our private chat/);
    expect(answer).not.toMatch(/own key/);
  });
});

describe('in the order that a person chose', () => {
  test.concurrent('whose choices say in /settings what they mean for the bill', async () => {
    const ann = person();
    ann.say('/settings');
    const settings = textOf(await ann.sees(/Your settings/));
    expect(settings).toMatch(/Own key first: your provider bills you directly; without a key/);
    expect(settings).toMatch(/Own key only: your provider bills you directly, and nobody else/);
    expect(settings).toMatch(
      /House first: the free allowance while it lasts, which costs you nothing/,
    );
    expect(settings).toMatch(/Ask me: where several can pay, each question waits/);
  });

  test.concurrent('“house first” goes on with the own key when the house is used up', async () => {
    const ann = person();
    await ann.bringsKey();
    await ann.choosesOrder('House first');
    expect(await ann.hears('one')).not.toMatch(/From now on/);
    await ann.hears('two');
    expect(await ann.hears('three')).toMatch(/From now on your own key pays/);
    ann.say('/usage');
    expect(textOf(await ann.sees(/This month/))).toMatch(/paid by your own OpenAI key/);
  });

  test.concurrent('“own key only” lets nobody else pay', async () => {
    const ann = person();
    await ann.choosesOrder('Own key only');
    ann.say('nobody pays for this');
    await ann.sees(/You let nobody pay but your own key/);
    expect(asked(world, 'nobody pays for this')).toHaveLength(0);
    ann.say('/usage');
    expect(textOf(await ann.sees(/This month/))).toMatch(/nobody pay but your own key/);
  });

  test.concurrent('a key that fails is told, and nobody pays instead, whatever the order', async () => {
    for (const order of ['House first', 'Ask me']) {
      const ann = person();
      const key = await ann.bringsKey();
      await ann.choosesOrder(order);
      world.openai.keys.set(key, 'revoked');
      if (order === 'House first') {
        await ann.hears('one');
        await ann.hears('two');
      } else {
        ann.say('which one');
        ann.press(await ann.sees(/Several can pay/), 'Choose who pays');
        ann.press(await ann.sees(/Who is to pay/), 'My own key');
      }
      if (order === 'House first') ann.say('three');
      await ann.sees(/OpenAI refuses your key/);
      ann.say('four');
      await ann.sees(/Not answered: OpenAI has refused your key/);
    }
  });
});

test('“ask me” waits for a choice, which counts once from however many devices', async () => {
  const ann = person();
  await ann.bringsKey();
  await ann.choosesOrder('Ask me');
  ann.say('mine or yours?');
  ann.press(await ann.sees(/Several can pay for this/), 'Choose who pays');
  const choice = await ann.sees(/Who is to pay for this one/);
  expect(textOf(choice)).toMatch(/My own key: your provider bills you directly/);
  expect(asked(world, 'mine or yours')).toHaveLength(0);
  ann.press(choice, 'The house');
  ann.press(choice, 'My own key');
  await ann.sees(/Answer to:\s*mine or yours/);
  await takenIn(world);
  expect(asked(world, 'mine or yours')).toHaveLength(1);
  const answers = botMessages(world, ann.chat).filter((m) => /Answer to/.test(textOf(m)));
  expect(answers).toHaveLength(1);
});

test('a house model without a price runs at the price that the operator assumes, and says so', async () => {
  const file = join(tmpdir(), `prices-${process.pid}.json`);
  await writeFile(file, JSON.stringify({ unknown: { input: 1, output: 2 } }));
  const other = await createWorld();
  other.openai.models.push({ id: 'never-heard-of' });
  try {
    other.openai.script(() => 'Assumed answer');
    const unpriced = { HOUSE_MODEL: 'openai/never-heard-of' };
    await expect(other.start(unpriced)).rejects.toThrow(/whose price is unknown/);
    await other.start({ ...unpriced, PRICES_FILE: file });
    const bob = other.telegram.addUser({ first_name: 'Bob' });
    const chat = other.telegram.privateChat(bob);
    other.telegram.say(chat, bob, '/limit costs on');
    await botSays(other, chat, /Below each answer/);
    other.telegram.say(chat, bob, 'hello');
    expect(textOf(await botSays(other, chat, /Assumed answer/))).toMatch(
      /This answer: \$[\d.]+ \(price assumed\), paid by the house/,
    );
    other.telegram.say(chat, bob, '/usage');
    expect(textOf(await botSays(other, chat, /This month/))).toMatch(
      /\(price assumed for 1 of them\)/,
    );
  } finally {
    await other.close();
  }
}, 30_000);
