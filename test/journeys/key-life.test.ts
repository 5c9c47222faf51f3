/** A key's life after it was taken, as its owner lives it: /keys, /limit, refusals, an end. */

import type { Chat, Message, User } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { Failure } from '../fakes/behaviour.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import {
  asked,
  botMessages,
  botSays,
  loggedErrors,
  madeKey,
  takenIn,
  textOf,
} from '../support/people.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ retentionEveryMs: 200 });
  world.openai.script((question) => {
    const failure = FAILURES.find((f) => question === `fail with ${f}`);
    if (question === 'a page that says 401') {
      return { raw: { status: 401, body: '<html>401 Authorization Required</html>' } };
    }
    return failure === undefined
      ? `Answer to: ${question}`
      : { fail: failure, ...(failure === 'rate-limited' ? { retryAfter: 0 } : {}) };
  });
  world.anthropic.script((question) => `Claude on: ${question}`);
  await world.start();
});
afterAll(() => world.close());

/** None of these says that the key is bad. */
const FAILURES: readonly Failure[] = [
  'no-permission',
  'no-credit',
  'rate-limited',
  'server-error',
  'html',
  'model-gone',
  'policy',
];

interface Person {
  readonly user: User;
  readonly chat: Chat;
  say(text: string): void;
  sees(what: RegExp): Promise<Message>;
  /** Presses the button below the newest message that fits. */
  press(what: RegExp, button: string): Promise<void>;
}

function person(): Person {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  const chat = world.telegram.privateChat(user);
  return {
    user,
    chat,
    say: (text) => void world.telegram.say(chat, user, text),
    sees: (what) => botSays(world, chat, what),
    async press(what, button) {
      world.telegram.press(await botSays(world, chat, what), button, user);
    },
  };
}

const labels = (message: Message) => world.telegram.buttons(message).map(({ label }) => label);
const said = ({ chat }: Person, what: RegExp) =>
  botMessages(world, chat).filter((m) => what.test(textOf(m)));

async function withKey(): Promise<Person & { readonly key: string }> {
  const one = person();
  const key = world.openai.keys.add('valid', madeKey());
  one.say(`/setkey ${key}`);
  await one.sees(/Saved: your OpenAI key/);
  return { ...one, key };
}

async function addClaude(one: Person): Promise<string> {
  const key = world.anthropic.keys.add();
  one.say(`/setkey ${key}`);
  await one.sees(/Saved: your Anthropic key/);
  return key;
}

describe('/keys', () => {
  test.concurrent('shows state, last use, what this month cost, and when the key is forgotten', async () => {
    const one = await withKey();
    one.say('hello');
    await one.sees(/Answer to: hello/);
    await world.database.db.execute(sql`update turns set cost_micros = 12300
      where user_id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`);
    one.say('/keys');
    const list = textOf(await one.sees(/Your keys/));
    expect(list).toMatch(/works; added .*; last used .*; this month \$0\.0123/);
    expect(list).not.toMatch(/forgotten/);
    await one.press(/Your keys/, 'Forget it after…');
    await one.press(/When shall I forget/, 'After 30 days');
    expect(textOf(await one.sees(/I forget this key in 30 days/))).toMatch(/; forgotten /);
  });

  test.concurrent('with two keys chooses which answers', async () => {
    const one = await withKey();
    await addClaude(one);
    one.say('who are you?');
    await one.sees(/Claude on: who are you/);
    one.say('/keys');
    const list = await one.sees(/Your keys/);
    expect(labels(list).filter((label) => label.includes('…'))).toHaveLength(2);
    expect(textOf(list)).toMatch(/Anthropic .* answers your messages/);
    await one.press(/Your keys/, labels(list).find((l) => l.startsWith('OpenAI')) ?? '');
    await one.press(/^.? ?OpenAI …/, 'Make default');
    await one.sees(/From now on your OpenAI key answers/);
    one.say('and now?');
    await one.sees(/Answer to: and now/);
    // A new key of the other provider does not take over from the default, and says so.
    const next = world.anthropic.keys.add();
    one.say(`/setkey ${next}`);
    const replaced = await one.sees(/Replaced: your Anthropic key/);
    expect(textOf(replaced)).toMatch(/still answered with your OpenAI key/);
    world.telegram.press(replaced, 'Make default', one.user);
    await one.sees(/From now on your Anthropic key answers/);
  });

  test.concurrent('asks before it deletes, and a button pressed twice does no harm', async () => {
    const one = await withKey();
    one.say('/keys');
    await one.press(/Your keys/, 'Delete OpenAI');
    const question = await one.sees(/can’t be brought back/);
    world.telegram.press(question, 'No, keep it', one.user);
    await one.sees(/^.? ?OpenAI …/);
    one.say('/delkey');
    const again = await one.sees(/can’t be brought back/);
    world.telegram.press(again, 'Yes, delete it', one.user);
    world.telegram.press(again, 'Yes, delete it', one.user);
    await one.sees(/Deleted: your OpenAI|replaced or deleted in the meantime/);
    await takenIn(world);
    one.say('/keys');
    await one.sees(/You have no key here/);
  });

  test.concurrent('a button below an older view does not delete the key that took its place', async () => {
    const one = await withKey();
    one.say('/delkey');
    const question = await one.sees(/can’t be brought back/);
    one.say(`/setkey ${world.openai.keys.add('valid', madeKey())}`);
    await one.sees(/Replaced: your OpenAI key/);
    world.telegram.press(question, 'Yes, delete it', one.user);
    await one.sees(/replaced or deleted in the meantime/);
    one.say('still there?');
    await one.sees(/Answer to: still there/);
  });

  test.concurrent('somebody else’s press deletes neither’s key', async () => {
    const [one, two] = [await withKey(), await withKey()];
    one.say('/delkey');
    const question = await one.sees(/can’t be brought back/);
    const action = world.telegram.buttons(question).find((b) => b.label.startsWith('Yes'));
    // What a press says is anybody's to make up.
    expect(action?.data).toMatch(/^keys:deleted-\d+-\d+$/);
    const message = await two.sees(/Saved: your OpenAI key/);
    world.telegram.pushUpdate({
      callback_query: {
        id: '77',
        from: two.user,
        message,
        chat_instance: '1',
        data: action?.data ?? '',
      },
    });
    await two.sees(/replaced or deleted in the meantime/);
    for (const each of [one, two]) {
      each.say('/keys');
      await each.sees(/OpenAI …\w{4}: works/);
    }
  });
});

describe('a key that its provider refuses', () => {
  test.concurrent('no credit, no permission, a rate limit or a provider that is down do not condemn it', async () => {
    const one = await withKey();
    for (const question of [...FAILURES.map((f) => `fail with ${f}`), 'a page that says 401']) {
      const before = botMessages(world, one.chat).length;
      one.say(question);
      await world.telegram.waitFor(() => botMessages(world, one.chat).length > before, {
        timeoutMs: 20_000,
      });
    }
    expect(said(one, /refuses your key/)).toEqual([]);
    one.say('/keys');
    expect(textOf(await one.sees(/Your keys/))).toMatch(/: works;/);
    one.say('and now');
    await one.sees(/Answer to: and now/);
  }, 60_000);

  test.concurrent('its owner is told once, in private, however many turns fail in a group', async () => {
    const one = await withKey();
    await world.database.db.execute(
      sql`update users set group_consent_at = now() where id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`,
    );
    const group = world.telegram.group({ title: 'Group', members: [one.user] });
    world.openai.keys.set(one.key, 'revoked');
    for (let i = 0; i < 9; i += 1) world.telegram.say(group, one.user, `/ask question ${i}`);
    await world.telegram.waitFor(
      () =>
        botMessages(world, group, { as: one.user }).filter((m) => textOf(m) !== '…').length >= 9,
      { timeoutMs: 20_000 },
    );
    const inGroup = botMessages(world, group).map(textOf).join('\n');
    expect(inGroup).not.toMatch(/OpenAI|revoked|refuse/);
    const [notice, ...more] = said(one, /refuses your key/);
    expect(more).toEqual([]);
    expect(notice && labels(notice)).toEqual(['Replace the key', 'My keys']);
    const calls = asked(world, 'question').filter(
      (r) => r.headers.authorization === `Bearer ${one.key}`,
    );
    expect(calls).toHaveLength(1);
  });

  test.concurrent('is used again when it was checked again', async () => {
    const one = await withKey();
    world.openai.keys.set(one.key, 'revoked');
    one.say('first');
    await one.sees(/refuses your key/);
    world.openai.keys.set(one.key, 'valid');
    one.say('/keys');
    expect(textOf(await one.sees(/Your keys/))).toMatch(/refused by its provider/);
    await one.press(/Your keys/, 'Check again');
    await one.sees(/Its provider accepts it/);
    one.say('second');
    await one.sees(/Answer to: second/);
  });

  test.concurrent('the sentence names the provider that refused', async () => {
    const one = person();
    const key = await addClaude(one);
    world.anthropic.keys.set(key, 'revoked');
    one.say('first');
    await one.sees(/Anthropic refuses your key/);
    one.say('second');
    await one.sees(/Not answered: Anthropic has refused your key/);
  });
});

test('a key is forgotten in its time, and its owner is told', async () => {
  const one = await withKey();
  await world.database.db.execute(
    sql`update api_keys set expires_at = now() where user_id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`,
  );
  expect(textOf(await one.sees(/As you wished, I have forgotten your OpenAI key/))).toContain(
    one.key.slice(-4),
  );
  one.say('/keys');
  await one.sees(/You have no key here/);
});

describe('/limit', () => {
  test.concurrent('stops the own key there, says when it begins anew, and asks nobody', async () => {
    const one = await withKey();
    one.say('before the limit');
    await one.sees(/Answer to: before the limit/);
    one.say('/limit 0.01');
    await one.sees(/at most \$0\.01 a day/);
    await world.database.db.execute(
      sql`update budgets set spent_micros = 10000 where holder_kind = 'own' and period = 'day' and user_id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`,
    );
    one.say('beyond the limit');
    const notice = await one.sees(/own limit for today is used up.*begins anew/s);
    expect(labels(notice)).toEqual(['My limit']);
    expect(asked(world, 'beyond the limit')).toHaveLength(0);
    one.say('/limit off');
    await one.sees(/limit is off/);
    one.say('within no limit');
    await one.sees(/Answer to: within no limit/);
  });

  test.concurrent('cuts an answer where the limit comes near', async () => {
    const one = await withKey();
    one.say('/limit 1000');
    await one.sees(/at most \$1000\.00 a day/);
    one.say('the whole length');
    await one.sees(/Answer to: the whole length/);
    const whole = outputOf('the whole length');
    // What 600 tokens of output cost, and the input of a question with little before it.
    await world.database.db.execute(
      sql`update budgets set spent_micros = 1000000000 - 8000 where holder_kind = 'own' and period = 'day' and user_id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`,
    );
    one.say('a part of it');
    await one.sees(/Answer to: a part of it/);
    expect(outputOf('a part of it')).toBeLessThan(whole);
  });

  test.concurrent('refuses a model whose price is unknown, and says what to do', async () => {
    const one = await withKey();
    one.say('/limit 20 month');
    await one.sees(/at most \$20\.00 a month/);
    await world.database.db.execute(
      sql`update users set provider = 'openai', model = 'nobody-knows-1' where id = (select user_id from identities where platform_user_id = ${String(one.user.id)})`,
    );
    one.say('what does it cost?');
    const notice = await one.sees(/don’t know what nobody-knows-1 costs/);
    expect(labels(notice)).toEqual(['Choose a model', 'My limit']);
    expect(asked(world, 'what does it cost')).toHaveLength(0);
  });

  test.concurrent('shows below private answers what they cost and what is left, on request', async () => {
    const one = await withKey();
    one.say('before');
    expect(textOf(await one.sees(/Answer to: before/))).not.toMatch(/This answer/);
    one.say('/limit costs on');
    await one.sees(/Below each answer/);
    one.say('on the own key');
    expect(textOf(await one.sees(/Answer to: on the own key/))).toMatch(
      /This answer: \$0\.\d+, on your own key\./,
    );
    one.say('/limit $5 a day');
    await one.sees(/at most \$5\.00 a day/);
    one.say('with a limit');
    expect(textOf(await one.sees(/Answer to: with a limit/))).toMatch(
      /Left of your limit a day: \$4\.\d+ until/,
    );
    const house = person();
    house.say('/limit costs on');
    await house.sees(/Below each answer/);
    house.say('by the house');
    expect(textOf(await house.sees(/Answer to: by the house/))).toMatch(
      /paid by the house\. Left today: 19 messages and \$0\.\d+/,
    );
  });

  test.concurrent.each([
    '/limit 0',
    '/limit -3',
    '/limit 1,000',
    '/limit off now',
    '/limit 5 year',
    '/limit costs',
    `/limit ${'9'.repeat(300)}`,
  ])('%s changes nothing and says how', async (words) => {
    const one = person();
    one.say(words);
    await one.sees(/did not understand that; nothing was changed/);
  });

  test.concurrent('alone says what is set', async () => {
    const one = person();
    one.say('/limit');
    await one.sees(/You have set no limit/);
    one.say('/limit 2.50');
    await one.sees(/at most \$2\.50 a day/);
    one.say('/limit 20 month');
    await one.sees(/at most \$20\.00 a month/);
    one.say('/limit');
    const state = await one.sees(/Your limit on/);
    expect(textOf(state)).toMatch(/a day: \$2\.50 of \$2\.50.*a month: \$20\.00 of \$20\.00/s);
    world.telegram.press(state, 'Take the limit off', one.user);
    await one.sees(/Your limit is off/);
  });
});

test('none of this was an error of ours', () => {
  expect(loggedErrors(world)).toEqual([]);
});

/** The most output that the question was asked with, in tokens. */
function outputOf(question: string): number {
  const body = asked(world, question).at(-1)?.body as { max_completion_tokens?: number };
  return body.max_completion_tokens ?? 0;
}
