/** How much of what was said before a model is shown, and in which order. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChatAddress } from '../../src/chat/message.ts';
import { GROUP_CONTEXT_TOKENS } from '../../src/conversation/group-consent.ts';
import { sql } from '../../src/db/drizzle.ts';
import { estimateTokens } from '../../src/llm/tokens.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { channel, direct } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';

/** What `src/conversation/request.ts` gives earlier turns on the house key. */
const HOUSE_CONTEXT_TOKENS = 6_000;

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld({ FREE_DAILY_USD: '10' });
  world.openai.script((question) => `Heard ${/topic-\w+/.exec(question)?.[0] ?? 'it'}.`);
});
afterAll(() => world.close());

interface Sent {
  readonly role: string;
  readonly content: unknown;
}

/** Says one text of about a thousand tokens after another, and a short one in the end. */
async function conversation(
  who: string,
  here: ChatAddress,
  count: number,
): Promise<readonly { role: string; text: string }[]> {
  const { chat } = world;
  for (let i = 0; i < count; i += 1) {
    const topic = `topic-${who}${String.fromCharCode(97 + i)}`;
    await chat.says(who, here, `${topic} ${'word '.repeat(600)}`);
    await chat.reads(who, here, new RegExp(`Heard ${topic}`));
  }
  await chat.says(who, here, `and now topic-${who}end`);
  await chat.reads(who, here, new RegExp(`Heard topic-${who}end`));
  const body = asked(world, `topic-${who}end`)[0]?.body as { messages: readonly Sent[] };
  return body.messages.map(({ role, content }) => ({
    role,
    text: typeof content === 'string' ? content : JSON.stringify(content),
  }));
}

const topicsOf = (sent: readonly { role: string; text: string }[]) =>
  sent.filter(({ role }) => role === 'user').map(({ text }) => /topic-(\w+)/.exec(text)?.[1]);
const tokensOf = (sent: readonly { text: string }[]) =>
  sent.slice(1, -1).reduce((sum, { text }) => sum + estimateTokens(text), 0);

test('the system prompt comes first, then what fits the budget of tokens, the newest of it, in order', async () => {
  const sent = await conversation('ann', direct('ann'), 8);
  expect(sent[0]?.role).toMatch(/^(system|developer)$/);
  expect(sent.slice(1).some(({ role }) => /system|developer/.test(role))).toBe(false);
  const topics = topicsOf(sent);
  const all = [...'abcdefgh'].map((letter) => `ann${letter}`);
  expect(topics).toEqual([...all, 'annend'].slice(-topics.length));
  expect(topics.length).toBeGreaterThan(4);
  expect(tokensOf(sent)).toBeLessThanOrEqual(HOUSE_CONTEXT_TOKENS);
  // The next one would not have fitted.
  expect(tokensOf(sent)).toBeGreaterThan(HOUSE_CONTEXT_TOKENS - 1_100);
  // Each question with its answer.
  expect(sent.filter(({ role }) => role === 'assistant')).toHaveLength(topics.length - 1);
});

test('in a group what others said is context on one’s own key up to the cap that was agreed to', async () => {
  const { chat, database } = world;
  await world.withKey('bea');
  await database.db.execute(sql`update users set group_consent_at = now()`);
  const here = channel('capped', 'thread');
  for (const letter of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const topic = `topic-cid${letter}`;
    await chat.says('cid', here, `${topic} ${'word '.repeat(600)}`);
    await chat.reads('cid', here, new RegExp(`Heard ${topic}`));
  }
  const sent = await conversation('bea', here, 0);
  const topics = topicsOf(sent);
  expect(topics).toEqual(['cidd', 'cide', 'cidf', 'beaend'].slice(-topics.length));
  expect(topics.length).toBeGreaterThan(2);
  expect(tokensOf(sent)).toBeLessThanOrEqual(GROUP_CONTEXT_TOKENS);
  expect(loggedErrors(world)).toEqual([]);
});
