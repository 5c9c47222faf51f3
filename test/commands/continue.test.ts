/** An answer that takes longer than the platform lets it be sent. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { asked, loggedErrors } from '../support/people.ts';
import { channel, direct, type Shown } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';
import { waitFor } from '../support/wait-for.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.chat.partsBeforeExpiry = Number.POSITIVE_INFINITY;
});

interface Expired {
  readonly turnId: number;
  readonly here: ReturnType<typeof channel>;
  readonly button: Shown;
}

/** A question whose answer has three parts, of which so many could be sent. */
async function expiredAnswer(who: string, sentParts: number): Promise<Expired> {
  const { chat, openai } = world;
  const here = channel(`expired-${who}`);
  openai.script([{ text: `one ${who}\n\ntwo ${who}\n\nthree ${who}` }]);
  chat.partsBeforeExpiry = sentParts;
  const messageId = await chat.says(who, here, `question of ${who}`, { replyHandle: `old-${who}` });
  const turnId = await waitFor(async () => {
    const [row] = await world.database.db.execute<{ id: number }>(sql`
      select t.id from inbox i join turns t on t.id = i.turn_id
      where i.message_id = ${messageId} and t.expired_at is not null`);
    return row?.id;
  });
  chat.partsBeforeExpiry = Number.POSITIVE_INFINITY;
  return { turnId, here, button: continueButton(here.chatId, turnId) };
}

/** As the platform's reply puts it below what was sent. */
function continueButton(chatId: string, turnId: number): Shown {
  const buttons = [{ label: 'Continue', action: `continue:${turnId}` }];
  const message = { id: '1', kind: 'answer', chatId, threadId: undefined, markdown: '' } as const;
  return { ...message, buttons, onlyFor: undefined, replyHandle: undefined };
}

const partsOf = (who: string) =>
  world.chat.shown
    .filter(({ kind, markdown }) => kind === 'answer' && markdown.endsWith(` ${who}`))
    .map(({ markdown, replyHandle }) => `${markdown} by ${replyHandle}`);

test('is stored, ends, and its rest is brought by its user’s press, once', async () => {
  const { chat, database } = world;
  const { turnId, here, button } = await expiredAnswer('ann', 1);
  const [row] = await database.db.execute(
    sql`select status, outcome, encode(answer, 'escape') as answer from turns where id = ${turnId}`,
  );
  expect(row).toMatchObject({ status: 'done', outcome: 'expired' });
  expect(row?.answer).not.toMatch(/one|two|three/);
  expect(partsOf('ann')).toEqual(['one ann by old-ann']);

  await chat.presses('bob', button, 'Continue', { replyHandle: 'bobs' });
  await chat.reads('bob', here, /goes on for the person who asked/);
  expect(partsOf('ann')).toHaveLength(1);

  await Promise.all([
    chat.presses('ann', button, 'Continue', { replyHandle: 'new-ann' }),
    chat.presses('ann', button, 'Continue', { replyHandle: 'new-ann' }),
  ]);
  await waitFor(() => partsOf('ann').length === 3);
  await waitFor(async () => (await world.ended(1)).some(({ id }) => id === turnId));
  await chat.presses('ann', button, 'Continue', { replyHandle: 'newer-ann' });
  await chat.reads('ann', here, /Nothing of this answer is left/);
  expect(partsOf('ann')).toEqual([
    'one ann by old-ann',
    'two ann by new-ann',
    'three ann by new-ann',
  ]);
  expect(asked(world, 'question of ann')).toHaveLength(1);
});

test('is counted and paid once', async () => {
  const { turnId, button } = await expiredAnswer('cleo', 0);
  const charged = () =>
    world.database.db.execute(sql`
      select a.turns, a.spent_micros, a.reserved_micros, m.open from turns t
      join budgets a on a.user_id = t.user_id and a.holder_kind = 'user' join mailbox m on m.user_id = t.user_id
      where t.id = ${turnId}`);
  const before = await charged();
  await world.chat.presses('cleo', button, 'Continue', { replyHandle: 'new-cleo' });
  await waitFor(() => partsOf('cleo').length === 3);
  await waitFor(async () => (await charged())[0]?.open === 0);
  expect(await charged()).toEqual(before);
});

test('that could not be shown at all is offered in the direct chat', async () => {
  const { chat } = world;
  await expiredAnswer('dora', 0);
  const offer = await chat.reads('dora', direct('dora'), /It is kept for you/);
  await chat.presses('dora', offer, 'Continue', { replyHandle: 'new-dora' });
  await waitFor(() => partsOf('dora').length === 3);
});

test('a press that comes before the time is over is what the rest is sent by', async () => {
  const { chat, openai } = world;
  const here = channel('early');
  openai.script([{ text: 'one emma\n\ntwo emma', delayMs: 400 }]);
  chat.partsBeforeExpiry = 1;
  await chat.says('emma', here, 'question of emma', { replyHandle: 'old-emma' });
  await waitFor(() => asked(world, 'question of emma').length === 1);
  const [row] = await world.database.db.execute<{ id: number }>(
    sql`select id from turns order by id desc limit 1`,
  );
  const button = continueButton(here.chatId, row?.id ?? 0);
  await chat.presses('emma', button, 'Continue', { replyHandle: 'new-emma' });
  await chat.reads('emma', here, /as soon as the answer is there/);
  await waitFor(() => chat.expired.has('old-emma'));
  chat.partsBeforeExpiry = Number.POSITIVE_INFINITY;
  await waitFor(() => partsOf('emma').length === 2);
  expect(partsOf('emma')).toEqual(['one emma by old-emma', 'two emma by new-emma']);
});

test('only a press brings the rest, never a typed command, which could bring it to all', async () => {
  const { chat } = world;
  const { turnId, here, button } = await expiredAnswer('gina', 0);
  const answers = () =>
    chat.seenBy('gina', here).filter(({ markdown }) => /Nothing of this/.test(markdown)).length;
  await chat.says('gina', here, '', { command: { name: 'continue', argument: String(turnId) } });
  await waitFor(() => answers() === 1);
  await chat.presses('gina', button, 'Continue');
  await waitFor(() => answers() === 2);
  await chat.presses('gina', button, 'Continue', { replyHandle: 'new-gina' });
  await waitFor(() => partsOf('gina').length === 3);
  expect(partsOf('gina').every((part) => part.endsWith(' by new-gina'))).toBe(true);
});

test.each([
  'continue:0',
  'continue:-1',
  'continue:999999',
  'continue:1e3',
  'continue:',
  'continue:x',
])('the made-up press %s brings nothing', async (action) => {
  const { chat } = world;
  const here = channel(`made-up-${action}`);
  const button = { ...continueButton(here.chatId, 1), buttons: [{ label: 'x', action }] };
  await chat.presses('fred', button, 'x');
  await chat.reads('fred', here, /Nothing of this answer is left|goes on for the person/);
  expect(loggedErrors(world)).toEqual([]);
});

test('goes on for a linked account, whose words are sealed under a data key of its own', async () => {
  const { chat, database } = world;
  for (const who of ['host', 'guest']) {
    await chat.says(who, direct(who), `${who} says hello`);
    await chat.reads(who, direct(who), new RegExp(`${who} says hello`));
  }
  // As linking does, which waits for open turns.
  await waitFor(async () => {
    const [row] = await database.db.execute(
      sql`select coalesce(sum(open), 0)::int as open from mailbox`,
    );
    return row?.open === 0;
  });
  await database.db.execute(sql`
    update identities guest set user_id = host.user_id, own_user_id = guest.user_id
    from identities host
    where guest.platform_user_id = 'guest' and host.platform_user_id = 'host'`);
  const { button } = await expiredAnswer('guest', 1);
  await chat.presses('guest', button, 'Continue', { replyHandle: 'new-guest' });
  await waitFor(() => partsOf('guest').length === 3);
});
