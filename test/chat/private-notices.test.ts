/** What concerns one person of a group, where the platform shows it to them on request only. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { asked, loggedErrors, madeKey } from '../support/people.ts';
import { channel, direct } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';

/** What nobody else is to read of anybody. */
const PRIVATE = /key|allowance|usage|free|credit|house|\$|today|\/setkey|overloaded/i;

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld({ FREE_DAILY_MESSAGES: '1', FREE_DAILY_USD: '0.01' });
});
afterAll(() => world.close());

let places = 0;
function place() {
  places += 1;
  return channel(`place-${places}`);
}

describe('the allowance running out in a channel', () => {
  test('is one neutral line, whose button tells the person who asked, and nobody else', async () => {
    const { chat } = world;
    const here = place();
    await chat.says('ann', here, 'first');
    await chat.reads('ann', here, /first/);
    await chat.says('ann', here, 'second');
    const line = await chat.reads('bob', here, /for you alone/);
    expect(line.markdown).not.toMatch(PRIVATE);
    expect(line.buttons.map(({ label }) => label)).toEqual(['Details']);

    await chat.presses('bob', line, 'Details');
    await chat.reads('bob', here, /for the person who asked/);
    await chat.presses('ann', line, 'Details');
    const details = await chat.reads('ann', here, /free message for today is used/);
    expect(details.onlyFor).toBe('ann');
    expect(details.buttons.map(({ label }) => label)).toContain('Use my own key');
    expect(chat.seenBy('bob', here).some(({ markdown }) => /today/.test(markdown))).toBe(false);
  });

  test('is told at once where the answer is by a handle', async () => {
    const here = place();
    await world.chat.says('ann', here, 'third', { replyHandle: 'h3' });
    const notice = await world.chat.reads('ann', here, /free message for today is used/);
    expect([notice.onlyFor, notice.replyHandle]).toEqual(['ann', 'h3']);
  });

  test('is told in place where nobody but the person sees the answer', async () => {
    const here = place();
    await world.chat.says('ann', here, 'fourth', { replyHandle: 'h4', answeredPrivately: true });
    await world.chat.reads('ann', here, /free message for today is used/);
  });

  test('what is held is sealed, opens for no other row, and is gone after a day', async () => {
    const { chat, database } = world;
    const here = place();
    await chat.says('ann', here, 'fifth');
    const line = await chat.reads('ann', here, /for you alone/);
    const rows = await database.db.execute<{ id: string; text: string }>(
      sql`select id, encode(notice, 'escape') as text from held_notices`,
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toMatch(/free messages|setkey/);

    const [other] = rows.filter(({ id }) => !JSON.stringify(line.buttons).includes(id));
    await database.db.execute(sql`
      update held_notices set notice = (select notice from held_notices where id = ${other?.id ?? ''})
      where id <> ${other?.id ?? ''}`);
    await chat.presses('ann', line, 'Details');
    await chat.reads('ann', here, /no longer there/);

    const there = place();
    await chat.says('ann', there, 'sixth');
    const next = await chat.reads('ann', there, /for you alone/);
    await database.db.execute(
      sql`update held_notices set created_at = now() - interval '25 hours'`,
    );
    await chat.presses('ann', next, 'Details', { replyHandle: 'late' });
    const told = await chat.reads('ann', there, /no longer there/);
    expect(told.replyHandle).toBe('late');
  });
});

describe('in a channel', () => {
  test.each([
    ['/usage', { command: { name: 'usage', argument: '' } }, '', /This month/],
    ['/setkey', { command: { name: 'setkey', argument: '' } }, '', /Keys belong/],
    ['a key', { addressed: 'none' as const }, madeKey(), /held an API key/],
  ])('%s says nothing of keys or usage to others', async (_name, more, text, told) => {
    const { chat } = world;
    const here = place();
    await chat.says('cleo', here, text, more);
    const line = await chat.reads('bob', here, /for you alone/);
    for (const { markdown } of chat.seenBy('bob', here)) expect(markdown).not.toMatch(PRIVATE);
    await chat.presses('cleo', line, 'Details');
    await chat.reads('cleo', here, told);
    for (const { markdown } of chat.seenBy('bob', here)) expect(markdown).not.toMatch(PRIVATE);
  });

  test.each([
    ['no-credit', /no credit left/],
    ['revoked', /refuses your key/],
  ] as const)('an own key that fails (%s) is the owner’s business', async (fail, told) => {
    const { chat, openai } = world;
    const who = `owner-${fail}`;
    const here = place();
    const key = await world.withKey(who);
    await world.database.db.execute(sql`update users set group_consent_at = now()`);
    openai.keys.set(key, fail);
    await chat.says(who, here, `question of ${who}`);
    const line = await chat.reads('bob', here, /for the person who asked alone/);
    expect(line.markdown).not.toMatch(PRIVATE);
    await chat.presses(who, line, 'Details');
    await chat.reads(who, here, told);
    for (const { markdown } of chat.seenBy('bob', here)) expect(markdown).not.toMatch(PRIVATE);
    // The direct chat is not written to unasked.
    expect(chat.seenBy(who, direct(who)).some(({ markdown }) => told.test(markdown))).toBe(false);
  });

  test('consent is asked behind the button, and given in the direct chat', async () => {
    const { chat } = world;
    const here = place();
    await world.withKey('dora');
    await world.database.db.execute(sql`update users set group_consent_at = null`);
    await chat.says('dora', here, 'question about lychee');
    const line = await chat.reads('bob', here, /for you alone/);
    expect(line.markdown).not.toMatch(PRIVATE);
    await chat.presses('dora', line, 'Details');
    const why = await chat.reads('dora', here, /Before I use your own key/);
    const [button] = why.buttons;
    if (button === undefined || !('directChat' in button)) throw new Error('no way to the chat');
    // As a platform without deep links brings it.
    await chat.hears({
      type: 'button',
      press: {
        chat: direct('dora'),
        sender: { platformUserId: 'dora', displayName: 'dora' },
        action: `run:${button.directChat}`,
        pressId: '1',
      },
    });
    await chat.presses('dora', await chat.reads('dora', direct('dora'), /Do you agree/), 'I agree');
    await chat.reads('bob', here, /lychee/);
  });

  test('an answer that the allowance cuts short says in public only that it was cut', async () => {
    const { chat, openai } = world;
    const here = place();
    openai.script(() => ({ text: 'half an answer', finish: 'length' }));
    await chat.says('emma', here, 'a long question');
    const seen = await chat.reads('bob', here, /was cut here/);
    expect(seen.markdown).not.toMatch(PRIVATE);
    openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  });
});

describe('what was asked privately in a channel', () => {
  test('is never context for what everybody sees, and is for the same person’s next private question', async () => {
    const { chat } = world;
    const here = channel('private', 'thread');
    await world.withKey('fred');
    await world.withKey('gina');
    await world.database.db.execute(sql`update users set group_consent_at = now()`);
    await chat.says('fred', here, 'the secret is tamarind', { answeredPrivately: true });
    await chat.reads('fred', here, /tamarind/);
    await chat.says('fred', here, 'a public question of fred');
    await chat.reads('fred', here, /public question of fred/);
    await chat.says('gina', here, 'a private question of gina', { answeredPrivately: true });
    await chat.reads('gina', here, /question of gina/);
    await chat.says('fred', here, 'a private question of fred', { answeredPrivately: true });
    await chat.reads('fred', here, /private question of fred/);
    const body = (word: string) => JSON.stringify(asked(world, word)[0]?.body);
    expect(body('public question of fred')).not.toContain('tamarind');
    expect(body('question of gina')).not.toContain('tamarind');
    expect(body('question of gina')).toContain('public question of fred');
    expect(body('private question of fred')).toContain('tamarind');
  });
});

test('none of this was an error', () => {
  expect(loggedErrors(world)).toEqual([]);
});
