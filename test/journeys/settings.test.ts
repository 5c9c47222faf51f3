/** /settings, as a person uses it. */

import type { Chat, Message } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { botSays, madeKey, textOf } from '../support/people.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start({ FREE_DAILY_MESSAGES: '6' });
});
afterAll(() => world.close());

function onTelegram() {
  const ann = world.telegram.addUser({ first_name: 'Ann' });
  const own = world.telegram.privateChat(ann);
  return {
    user: ann,
    say: (text: string, chat: Chat = own) => world.telegram.say(chat, ann, text),
    sees: (what: RegExp, chat: Chat = own) => botSays(world, chat, what),
    press: (message: Message, label: string) => world.telegram.press(message, label, ann),
    /** A page that was sent after now: an older one may say the same. */
    async settings() {
      const { message_id } = world.telegram.say(own, ann, '/settings');
      return world.telegram.waitFor(() =>
        world.telegram
          .messages(own)
          .find((m) => m.message_id > message_id && textOf(m).includes('Your settings')),
      );
    },
  };
}

test('/settings shows the cost below private answers when asked to, and no longer when not', async () => {
  const ann = onTelegram();
  ann.say('/settings');
  const page = await ann.sees(/Cost below each private answer: not shown/);
  ann.press(page, 'Show the cost');
  const shown = await ann.sees(/Cost below each private answer: shown/);
  ann.say('what does it cost?');
  const answer = await ann.sees(/Answer to.*what does it cost/s);
  expect(textOf(answer)).toMatch(
    /This answer: \$0\.0\d+, paid by the house\. Left today: 5 messages and \$0\.0\d+\./,
  );
  const left = /and \$(0\.\d+)\./.exec(textOf(answer))?.[1];
  ann.say('/usage');
  expect(textOf(await ann.sees(/This month/))).toContain(`5 of 6 messages and $${left} of`);
  ann.press(shown, 'Hide the cost');
  await ann.sees(/Cost below each private answer: not shown/);
  ann.say('and this?');
  expect(textOf(await ann.sees(/Answer to.*and this/s))).not.toContain('paid by');
  const key = world.openai.keys.add('valid', madeKey());
  ann.say(`/setkey ${key}`);
  await ann.sees(/Saved/);
  ann.say('/settings');
  const again = await ann.sees(/on your own OpenAI key/);
  ann.press(again, 'Show the cost');
  await ann.sees(/Cost below each private answer: shown/);
  ann.say('on my own key');
  expect(textOf(await ann.sees(/Answer to.*on my own key/s))).toMatch(
    /This answer: \$0\.0\d+, on your own key\.$/,
  );
}, 30_000);

test('consent for groups is shown, and once withdrawn is asked for again', async () => {
  const ann = onTelegram();
  const me = `@${world.telegram.bot.username}`;
  const group = world.telegram.group({ title: 'G', members: [ann.user] });
  const key = world.openai.keys.add('valid', madeKey());
  ann.say(`/setkey ${key}`);
  await ann.sees(/Saved/);
  const before = await ann.settings();
  expect(textOf(before)).toContain('Own key in groups: asked before the first time');
  ann.say(`${me} first`, group);
  const link = await ann.sees(/I could not answer this/, group);
  const payload = /start=(\S+)/.exec(world.telegram.buttons(link)[0]?.url ?? '')?.[1] ?? '';
  ann.say(`/start ${payload}`);
  ann.press(await ann.sees(/Before I use your own key in a group/), 'Decide in private');
  ann.press(await ann.sees(/Do you agree/), 'I agree');
  await ann.sees(/Answer to.*first/s, group);
  const given = await ann.settings();
  expect(textOf(given)).toContain('you agreed');
  ann.press(given, 'Withdraw consent for groups');
  await ann.sees(/Own key in groups: asked before the first time/);
  ann.say(`${me} second`, group);
  await world.telegram.waitFor(
    () =>
      world.telegram.messages(group).filter((m) => textOf(m).includes('I could not answer this'))
        .length === 2,
  );
}, 20_000);

test('leads to the model and to linking; what no button says changes nothing', async () => {
  const ann = onTelegram();
  const page = await ann.settings();
  ann.press(page, 'Choose a model');
  await ann.sees(/The house answers you with/);
  ann.press(page, 'Link an account');
  await ann.sees(/Show it to nobody/);
  for (const data of [
    'settings:',
    'settings:cost',
    'settings:cost-maybe',
    'settings:x-on',
    'settings:model-x',
  ]) {
    world.telegram.pushUpdate({
      callback_query: { id: data, from: ann.user, message: page, chat_instance: '1', data },
    });
  }
  const after = await ann.settings();
  expect(textOf(after)).toBe(textOf(page));
});
