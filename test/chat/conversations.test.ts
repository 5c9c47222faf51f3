/** What is context: a thread, a direct chat, or a chain of replies in a channel. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { asked, loggedErrors } from '../support/people.ts';
import { channel, direct, type Shown } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld({ FREE_DAILY_MESSAGES: '100' });
});
afterAll(() => world.close());

const replyTo = ({ id, markdown }: Pick<Shown, 'id' | 'markdown'>, fromBot = true) => ({
  quoted: { messageId: id, authorName: 'x', fromBot, text: markdown, files: [] },
});
/** What was sent along with the question that holds the word. */
const sent = (word: string) => JSON.stringify(asked(world, word)[0]?.body);

test('in a channel each chain of replies is a conversation of its own', async () => {
  const { chat } = world;
  const here = channel('garden');
  await chat.says('ann', here, 'first about quince');
  const quince = await chat.reads('ann', here, /quince/);
  await chat.says('bob', here, 'first about medlar');
  const medlar = await chat.reads('bob', here, /medlar/);
  await chat.says('ann', here, 'then pruning', replyTo({ ...quince, markdown: 'cut' }));
  const pruning = await chat.reads('ann', here, /pruning/);
  await chat.says('bob', here, 'then grafting', replyTo({ ...pruning, markdown: 'cut' }));
  await chat.reads('bob', here, /grafting/);
  await chat.says('ann', here, 'a fresh mention');
  await chat.reads('ann', here, /fresh mention/);
  await chat.says('bob', here, 'then frost', replyTo({ ...medlar, markdown: 'cut' }));
  await chat.reads('bob', here, /frost/);

  expect(sent('then pruning')).toContain('quince');
  expect(sent('then pruning')).not.toContain('medlar');
  expect(sent('then grafting')).toMatch(/quince.*pruning/);
  expect(sent('fresh mention')).not.toMatch(/quince|medlar|pruning/);
  expect(sent('then frost')).toContain('medlar');
  expect(sent('then frost')).not.toMatch(/quince|pruning/);
});

test('a reply to the question itself is part of its conversation', async () => {
  const { chat } = world;
  const here = channel('orchard');
  const id = await chat.says('ann', here, 'what is tamarind?');
  await chat.reads('ann', here, /tamarind/);
  await chat.says('bob', here, 'and its season', replyTo({ id, markdown: 'cut' }, false));
  await chat.reads('bob', here, /its season/);
  expect(sent('its season')).toContain('tamarind');
});

test('threads and direct chats are one conversation each, and leak nowhere', async () => {
  const { chat } = world;
  const places = [
    channel('park'),
    channel('park', 'red'),
    channel('park', 'blue'),
    channel('wood'),
    direct('ann'),
    direct('bob'),
  ];
  const words = ['papaya', 'guava', 'durian', 'longan', 'lychee', 'rambutan'];
  for (const [i, place] of places.entries()) {
    const who = place.chatId === 'dm-bob' ? 'bob' : 'ann';
    await chat.says(who, place, `remember ${words[i]}`);
    await chat.reads(who, place, new RegExp(words[i] ?? ''));
  }
  for (const [i, place] of places.entries()) {
    const who = place.chatId === 'dm-bob' ? 'bob' : 'ann';
    await chat.says(who, place, `what did I say, number ${i}?`);
    await chat.reads(who, place, new RegExp(`number ${i}`));
    const isChain = place.kind === 'group' && place.threadId === undefined;
    const known = words.filter((word) => sent(`number ${i}`).includes(word));
    expect([place, known]).toEqual([place, isChain ? [] : [words[i]]]);
  }
});

test('a message id of another chat leads to none of its conversation', async () => {
  const { chat } = world;
  await chat.says('ann', channel('east'), 'the word is kumquat');
  const { id } = await chat.reads('ann', channel('east'), /kumquat/);
  await chat.says('bob', channel('west'), 'tell me the word', replyTo({ id, markdown: 'cut' }));
  await chat.reads('bob', channel('west'), /the word/);
  expect(sent('tell me the word')).not.toContain('kumquat');
  expect(loggedErrors(world)).toEqual([]);
});
