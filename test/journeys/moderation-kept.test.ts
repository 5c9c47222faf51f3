/**
 * A house on another provider's key than the one that moderates: what is told of that, who is named
 * to whom, from which score on what is held back, and how long it is known.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/drizzle.ts';
import type { ModerationScores } from '../fakes/openai-moderation.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, botSays, loggedErrors, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

let world: World;
let moderator: string;
/** What a text scores that holds the word. */
const scored = new Map<string, ModerationScores>();
beforeAll(async () => {
  world = await createWorld({ retentionEveryMs: 300 });
  moderator = world.openai.keys.add('valid');
  world.anthropic.script((question) => `Answer to: ${question}`);
  world.openai.script((question) => `Answer to: ${question}`);
  world.openai.moderate((input) => ({
    scores: Object.assign({}, ...[...scored].flatMap(([w, s]) => (input.includes(w) ? [s] : []))),
  }));
  await world.start({
    OPENAI_API_KEY: '',
    ANTHROPIC_API_KEY: world.anthropic.apiKey,
    MODERATION: 'on',
    MODERATION_API_KEY: moderator,
    MODERATION_DAYS: '7',
  });
});
afterAll(() => world.close());

function person() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  return {
    user,
    account: `telegram:${user.id}`,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what),
    said: () => botMessages(world, chat).map(textOf),
  };
}

const claudeAsked = (word: string) =>
  world.anthropic.completions().filter(({ body }) => JSON.stringify(body).includes(word));

const withUser = z.object({ metadata: z.object({ user_id: z.string() }).optional() });
const userNamedFor = (word: string) => withUser.parse(claudeAsked(word)[0]?.body).metadata?.user_id;

describe('whose key sees what', () => {
  test('/privacy says that OpenAI reads what is for Anthropic, and it does, with the key for that alone', async () => {
    const ann = person();
    ann.say('/privacy');
    const privacy = textOf(await ann.sees(/moderation service of OpenAI/));
    expect(privacy).toMatch(/with a key of the operator’s that does nothing else/);
    expect(privacy).toMatch(/So OpenAI sees what was written for Anthropic/);
    expect(privacy).toMatch(/as scores without any words: for 7 days, for the operator alone/);
    ann.say('something for Claude');
    await ann.sees(/Answer to: something for Claude/);
    const seen = world.openai
      .moderations()
      .filter(({ body }) => JSON.stringify(body).includes('something for Claude'));
    expect(seen.length).toBeGreaterThan(0);
    for (const { headers } of seen) expect(headers.authorization).toBe(`Bearer ${moderator}`);
  });

  test('the house names its user by a hash; a key of one’s own names nobody', async () => {
    const ann = person();
    ann.say('paid by the house');
    await ann.sees(/Answer to: paid by the house/);
    const named = userNamedFor('paid by the house');
    expect(named).toMatch(/^[\w-]{20,64}$/);
    expect(named).not.toContain(String(ann.user.id));
    ann.say(`/setkey ${world.anthropic.keys.add('valid')}`);
    await ann.sees(/Saved: your Anthropic key/);
    ann.say('on my own');
    await ann.sees(/Answer to: on my own/);
    expect(claudeAsked('on my own')).toHaveLength(1);
    expect(userNamedFor('on my own')).toBeUndefined();
  });
});

describe('from which score on', () => {
  test.concurrent.each([
    ['killing a child process', { violence: 0.94 }, 'passes'],
    ['killing', { violence: 0.95 }, 'is held back'],
    ['attacking a port', { illicit: 0.8 }, 'passes'],
    ['attacking', { illicit: 0.85 }, 'is held back'],
    ['children', { 'sexual/minors': 0.2 }, 'is held back'],
    ['a rude word', { harassment: 0.85 }, 'passes'],
    ['hate', { hate: 0.7 }, 'is held back'],
  ] as const)('what scores as %s %o %s', async (what, scores, becomes) => {
    const word = `wobble${what.replace(/\W/g, '')}end`;
    scored.set(word, scores);
    const ann = person();
    ann.say(`please ${word}`);
    if (becomes === 'passes') await ann.sees(new RegExp(`Answer to: please ${word}`));
    else await ann.sees(/did not pass this on/);
    expect(claudeAsked(word)).toHaveLength(becomes === 'passes' ? 1 : 0);
  });
});

test('a turn on a credit is moderated as the house’s', async () => {
  const out = await runAdmin(
    world,
    ...['voucher', 'create', '--name', 'one', '--usd', '1', '--expires', '2035-12-31'],
  );
  const code = /^((?:[A-Z0-9]{6}-?){3})/m.exec(out)?.[1] ?? '';
  scored.set('wobblecredit', { hate: 0.9 });
  const ann = person();
  ann.say(`/redeem ${code}`);
  await ann.sees(/Redeemed/);
  ann.say('wobblecredit');
  await ann.sees(/did not pass this on/);
  expect(claudeAsked('wobblecredit')).toEqual([]);
});

test('what was decided is known for MODERATION_DAYS to the operator alone, and then to nobody', async () => {
  scored.set('wobblekept', { hate: 0.9 });
  const ann = person();
  ann.say('wobblekept');
  await ann.sees(/did not pass this on/);
  const list = (): Promise<string> =>
    runAdmin(world, 'moderation', 'list', '--user', ann.account, '--json');
  expect(JSON.parse(await list()).decisions).toMatchObject([{ action: 'flagged' }]);
  // Nothing in the chat shows scores, nor what was decided about anybody.
  for (const command of ['/moderation', '/admin', '/admin flagged']) {
    const before = ann.said().length;
    ann.say(command);
    await waitFor(() => ann.said().length > before);
    expect(ann.said().slice(before).join()).not.toMatch(/0\.9|hate/);
  }
  const age = (days: number) =>
    world.database.db.execute(sql`
      update moderation_log set at = now() - make_interval(days => ${days}::int)
      where 'hate' = any(categories)`);
  await age(6);
  expect(JSON.parse(await list()).decisions).toHaveLength(1);
  await age(8);
  await waitFor(async () => {
    const kept = await world.database.db.execute(
      sql`select from moderation_log where 'hate' = any(categories)`,
    );
    return kept.length === 0;
  });
}, 40_000);

test('none of this was an error', () => {
  expect(loggedErrors(world)).toEqual([]);
});
