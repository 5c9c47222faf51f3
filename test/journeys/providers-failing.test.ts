/** Each way in which a provider or Telegram fails ends in an answer or in the right sentence. */

import type { Chat, User } from 'grammy/types';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { sql } from '../../src/db/drizzle.ts';
import type { Behaviour, Failure } from '../fakes/behaviour.ts';
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
import { waitFor } from '../support/wait-for.ts';

/** What a question, once or always, is answered with; anything else is echoed. */
function scriptOf() {
  const always = new Map<string, Behaviour>();
  const once = new Map<string, Behaviour[]>();
  return {
    always,
    once,
    answer(question: string): Behaviour {
      const next = once.get(question)?.shift();
      return next ?? always.get(question) ?? { text: `Answer to: ${question}` };
    },
  };
}

interface Someone {
  readonly user: User;
  readonly chat: Chat;
}

function someoneIn(world: World): Someone {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  return { user, chat: world.telegram.privateChat(user) };
}

async function withKey(world: World, key: string, name = 'OpenAI'): Promise<Someone> {
  const one = someoneIn(world);
  world.telegram.say(one.chat, one.user, `/setkey ${key}`);
  await botSays(world, one.chat, new RegExp(`Saved: your ${name}`));
  return one;
}

async function countedTurns(world: World): Promise<number> {
  const [row] = await world.database.db.execute(
    sql`select coalesce(sum(turns), 0)::int as turns from budgets where holder_kind = 'user'`,
  );
  return Number(row?.turns);
}

const labels = (world: World, message: Parameters<World['telegram']['buttons']>[0]) =>
  world.telegram.buttons(message).map((button) => button.label);

describe('a provider that fails', () => {
  let world: World;
  const script = scriptOf();
  beforeAll(async () => {
    world = await createWorld();
    world.openai.script((question) => script.answer(question));
    world.anthropic.script((question) => script.answer(question));
    await world.start();
  });
  afterAll(() => world.close());

  const OWN: readonly (readonly [Failure, RegExp, readonly string[]])[] = [
    ['key-refused', /refuses your key.*the house does not pay/s, ['Replace the key', 'My keys']],
    ['no-permission', /key may not use \S+\. Choose another model/, ['Choose a model']],
    ['no-credit', /account has no credit left/, []],
    ['rate-limited', /limits how fast your key may be used/, []],
    ['overloaded', /is overloaded or does not answer/, []],
    ['server-error', /is overloaded or does not answer/, []],
    ['html', /is overloaded or does not answer/, []],
    ['context-too-long', /too long for .*\/new/, []],
    ['policy', /refuses to answer this under its usage policy/, []],
    ['model-gone', /is no longer there\. Choose another/, ['Choose a model']],
    ['bad-request', /did not accept this request/, ['Choose a model']],
  ];

  test.concurrent.each(OWN)('%s on one’s own key of OpenAI', async (failure, sentence, buttons) => {
    const { user, chat } = await withKey(world, world.openai.keys.add('valid', madeKey()));
    script.always.set(`own ${failure}`, { fail: failure, retryAfter: 0 });
    world.telegram.say(chat, user, `own ${failure}`);
    const notice = await botSays(world, chat, sentence);
    expect(labels(world, notice)).toEqual(buttons);
    world.telegram.say(chat, user, '/usage');
    expect(textOf(await botSays(world, chat, /Free allowance/))).toContain('20 of 20 messages');
  });

  test.concurrent.each(OWN)('%s on one’s own key of Anthropic', async (failure, sentence) => {
    const { user, chat } = await withKey(world, world.anthropic.keys.add('valid'), 'Anthropic');
    script.always.set(`claude ${failure}`, { fail: failure, retryAfter: 0 });
    world.telegram.say(chat, user, `claude ${failure}`);
    await botSays(world, chat, sentence);
    expect(asked(world, `claude ${failure}`)).toHaveLength(0);
  });

  test.concurrent('in a group everybody reads only that it failed; the owner reads why in private', async () => {
    const { user, chat } = await withKey(world, world.openai.keys.add('valid', madeKey()));
    await world.database.db.execute(
      sql`update users set group_consent_at = now() where id = (select user_id from identities where platform_user_id = ${String(user.id)})`,
    );
    const group = world.telegram.group({ title: 'Group', members: [user] });
    script.always.set('<message author="Somebody">\nin the group\n</message>', {
      fail: 'key-refused',
    });
    world.telegram.say(group, user, '/ask in the group');
    const notice = await botSays(world, group, /could not answer/);
    expect(textOf(notice)).not.toMatch(/OpenAI|revoked|credit/);
    await botSays(world, chat, /refuses your key/);
  });

  test.concurrent.each([
    ['breaks', { breakAfter: 4 }],
    ['ends too early', { truncateAfter: 4 }],
    ['sends nonsense', { garbageAfter: 4 }],
    ['reports an error', { errorAfter: { chunks: 4, error: 'overloaded' } }],
  ] as const)('a stream that %s in the middle keeps what came', async (how, behaviour) => {
    const { user, chat } = someoneIn(world);
    script.always.set(how, { text: 'one two three four five six', ...behaviour });
    world.telegram.say(chat, user, how);
    const answer = await botSays(world, chat, /connection to OpenAI broke here/);
    expect(textOf(answer)).toMatch(/^one two three four\s/);
  });

  test.concurrent('a model that declines, or says nothing, is told apart from an error', async () => {
    const { user, chat } = someoneIn(world);
    script.always.set('decline', { text: 'No, I must not.', finish: 'refusal' });
    world.telegram.say(chat, user, 'decline');
    await botSays(world, chat, /declined to answer/);
    script.always.set('silence', { text: '' });
    world.telegram.say(chat, user, 'silence');
    await botSays(world, chat, /answered without any text/);
  });

  test.concurrent('an answer at its length limit says so', async () => {
    const { user, chat } = someoneIn(world);
    script.always.set('long', { text: 'and so on', finish: 'length' });
    world.telegram.say(chat, user, 'long');
    await botSays(world, chat, /and so on.*length limit/s);
  });

  test.concurrent('one that is limited for a second is asked again by itself', async () => {
    const { user, chat } = someoneIn(world);
    script.once.set('patience', [{ fail: 'rate-limited', retryAfter: 1 }]);
    world.telegram.say(chat, user, 'patience');
    await botSays(world, chat, /Answer to: patience/);
    const [first, second] = asked(world, 'patience');
    expect(second).toBeDefined();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(950);
    expect(botMessages(world, chat)).toHaveLength(1);
  });

  test.concurrent('one that hangs is left at /stop within a second', async () => {
    const { user, chat } = someoneIn(world);
    script.always.set('never ends', { hang: true });
    world.telegram.say(chat, user, 'never ends');
    const request = await world.telegram.waitFor(() => asked(world, 'never ends')[0]);
    const begun = performance.now();
    world.telegram.say(chat, user, '/stop');
    await world.telegram.waitFor(() => request.aborted);
    expect(performance.now() - begun).toBeLessThan(1_000);
    await botSays(world, chat, /Stopped\./);
    world.telegram.say(chat, user, 'next');
    await botSays(world, chat, /Answer to: next/);
  });

  test('none of this was an error of ours', () => {
    expect(loggedErrors(world)).toEqual([]);
  });
});

describe('a house key that fails', () => {
  let world: World;
  let operator: Someone;
  const script = scriptOf();
  beforeAll(async () => {
    world = await createWorld({ houseClosedMs: 400 });
    world.openai.script((question) => script.answer(question));
    operator = someoneIn(world);
    await world.start({ OPERATOR_IDS: `telegram:${operator.user.id}` });
  });
  afterAll(() => world.close());

  test('closes the house, tells the operator once, costs nobody anything, and works again', async () => {
    const people = Array.from({ length: 3 }, () => someoneIn(world));
    world.openai.keys.set(world.openai.apiKey, 'revoked');
    const before = world.openai.requests.length;
    const ask = async ({ user, chat }: Someone) => {
      world.telegram.say(chat, user, 'hello?');
      const notice = await botSays(world, chat, /house can’t answer.*did not count/s);
      expect(labels(world, notice)).toEqual(['Use my own key']);
    };
    const [first, ...others] = people as [Someone, ...Someone[]];
    await ask(first);
    await Promise.all(others.map(ask));
    const toldOperator = () =>
      botMessages(world, operator.chat).filter((m) => /house key fails/.test(textOf(m)));
    await botSays(world, operator.chat, /house key fails.*key-refused/s);
    expect(world.openai.requests.length - before).toBeLessThan(people.length);
    expect(await countedTurns(world)).toBe(0);

    world.openai.keys.set(world.openai.apiKey, 'valid');
    const { user, chat } = first;
    await world.telegram.waitFor(
      () => {
        const said = botMessages(world, chat).map(textOf);
        if (said.some((text) => text.includes('Answer to: again'))) return true;
        const open = world.telegram.messages(chat).at(-1)?.from?.is_bot === true;
        if (open) world.telegram.say(chat, user, 'again');
        return undefined;
      },
      { timeoutMs: 10_000 },
    );
    expect(toldOperator()).toHaveLength(1);
    expect(await countedTurns(world)).toBe(1);
  });

  test.each([
    ['no-credit', /house can’t answer/],
    ['no-permission', /house can’t answer/],
    ['model-gone', /house can’t answer/],
    ['rate-limited', /overloaded or does not answer/],
    ['overloaded', /overloaded or does not answer/],
    ['policy', /usage policy/],
    ['context-too-long', /too long for/],
    ['bad-request', /did not accept this request/],
  ] as const)('%s costs nobody their allowance', async (failure, sentence) => {
    const { user, chat } = someoneIn(world);
    const before = await countedTurns(world);
    script.always.set(failure, { fail: failure, retryAfter: 0 });
    const from = performance.now();
    await world.telegram.waitFor(() => performance.now() - from > 450);
    world.telegram.say(chat, user, failure);
    await botSays(world, chat, sentence);
    expect(await countedTurns(world)).toBe(before);
    expect(botMessages(world, operator.chat)).toHaveLength(1);
  });
});

describe('Telegram that fails', () => {
  let world: World;
  let app: App;
  beforeAll(async () => {
    world = await createWorld();
    world.openai.script((question) => `Answer to: ${question}`);
    app = await world.start();
  });
  afterAll(() => world.close());
  afterEach(() => world.telegram.clearFaults());

  const toChat = (chat: Chat) => (payload: Readonly<Record<string, unknown>>) =>
    String(payload.chat_id) === String(chat.id);
  const answers = (chat: Chat) =>
    botMessages(world, chat).filter((m) => /Answer to/.test(textOf(m)));

  test.each([
    ['429 on the final send', { retryAfter: 1, times: 1 }],
    ['500 for a while', { status: 500, times: 3 }],
    ['a connection dropped before the message was read', { dropBefore: true, times: 1 }],
  ] as const)(
    '%s delays the answer and doubles nothing',
    async (_, fault) => {
      const { user, chat } = someoneIn(world);
      world.telegram.fail({ method: 'sendMessage', when: toChat(chat), ...fault });
      world.telegram.say(chat, user, 'will it arrive?');
      await botSays(world, chat, /Answer to/, { timeoutMs: 20_000 });
      expect(answers(chat)).toHaveLength(1);
      expect(asked(world, 'will it arrive')).toHaveLength(1);
      world.openai.requests.splice(0);
    },
    25_000,
  );

  test('a connection dropped after the message was sent: it stands twice, and the second says so', async () => {
    const { user, chat } = someoneIn(world);
    world.telegram.fail({ method: 'sendMessage', when: toChat(chat), dropAfter: true, times: 1 });
    world.telegram.say(chat, user, 'once or twice?');
    await world.telegram.waitFor(() => answers(chat).length === 2, { timeoutMs: 10_000 });
    const [first, second] = answers(chat).map(textOf);
    expect(first).not.toMatch(/twice\.$/);
    expect(second).toMatch(/may stand here twice/);
    expect(asked(world, 'once or twice')).toHaveLength(1);
  });

  test('drafts that fail do not keep the answer back', async () => {
    const { user, chat } = someoneIn(world);
    world.telegram.fail({ method: /draft|chataction/i, when: toChat(chat), status: 500 });
    world.telegram.say(chat, user, 'without drafts');
    await botSays(world, chat, /Answer to: without drafts/);
  });

  test('in a group a placeholder that somebody deleted is replaced by a message', async () => {
    const { user } = someoneIn(world);
    const group = world.telegram.group({ title: 'Group', members: [user] });
    world.openai.script([{ text: 'word '.repeat(40), chunkDelayMs: 25 }]);
    world.telegram.say(group, user, '/ask delete this');
    const placeholder = await world.telegram.waitFor(() => botMessages(world, group)[0]);
    world.telegram.remove(placeholder);
    const answer = await botSays(world, group, /(word\s*){40}/);
    expect(answer.message_id).not.toBe(placeholder.message_id);
  });

  test('who blocks the bot costs nothing any more: what waited is cancelled', async () => {
    const { user, chat } = someoneIn(world);
    world.openai.script([{ text: 'slow', delayMs: 800 }]);
    world.telegram.say(chat, user, 'running when blocked');
    await world.telegram.waitFor(() => asked(world, 'running when blocked').length === 1);
    world.telegram.say(chat, user, 'waiting when blocked');
    world.telegram.block(user);
    await world.telegram.waitFor(() => asked(world, 'running when blocked')[0]?.aborted === true);
    world.telegram.unblock(user);
    world.telegram.say(chat, user, 'back again');
    await botSays(world, chat, /Answer to: back again/);
    expect(
      world.openai
        .completions()
        .some((r) => /"content":"waiting when/.test(JSON.stringify(r.body))),
    ).toBe(false);
    expect(botMessages(world, chat)).toHaveLength(1);
  });

  test('an account that is gone costs nothing more, though no update says that it is', async () => {
    const { user, chat } = someoneIn(world);
    world.openai.script([{ text: 'slow', delayMs: 500 }]);
    world.telegram.say(chat, user, 'running when deleted');
    await world.telegram.waitFor(() => asked(world, 'running when deleted').length === 1);
    world.telegram.fail({
      method: /./,
      when: toChat(chat),
      status: 403,
      description: 'Forbidden: user is deactivated',
    });
    for (const number of ['one', 'two']) {
      world.telegram.say(chat, user, `waiting when deleted ${number}`);
    }
    const open = async () => {
      const [row] = await world.database.db.execute<{ open: number }>(sql`
        select open from mailbox join identities using (user_id)
        where platform_user_id = ${String(user.id)}`);
      return row?.open;
    };
    await takenIn(world);
    expect(await open()).toBe(3);
    await waitFor(async () => (await open()) === 0);
    expect(asked(world, '"content":"waiting when deleted')).toHaveLength(0);
  });

  test('429 for longer than a minute: the answer waits, also for another process, and nothing is asked or paid twice', async () => {
    const { user, chat } = someoneIn(world);
    const before = await countedTurns(world);
    world.telegram.fail({ method: 'sendMessage', when: toChat(chat), retryAfter: 75 });
    world.telegram.say(chat, user, 'how long?');
    const waiting = async () => {
      const [row] = await world.database.db.execute<{ status: string; wait: number }>(sql`
        select status, extract(epoch from not_before - now())::float as wait
        from turns order by id desc limit 1`);
      return row?.status === 'queued' ? row.wait : undefined;
    };
    expect(await waitFor(waiting, { timeoutMs: 10_000 })).toBeGreaterThan(60);
    await app.stop();
    world.telegram.clearFaults();
    // As if the time that Telegram asked for were over.
    await world.database.db.execute(sql`update turns set not_before = now()`);
    app = await world.start();
    await botSays(world, chat, /Answer to: how long/);
    expect(answers(chat)).toHaveLength(1);
    expect(asked(world, 'how long')).toHaveLength(1);
    expect(await countedTurns(world)).toBe(before + 1);
  }, 25_000);

  test('none of this was an error of ours', () => {
    expect(loggedErrors(world)).toEqual([]);
  });
});
