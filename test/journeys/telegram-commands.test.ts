/** The commands of the private chat, as a person uses them. */

import { randomBytes } from 'node:crypto';
import type { Message, User } from 'grammy/types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.start();
});
afterAll(() => world.close());

/** A person of their own for each test: chats are paced apart. */
function person(first_name: string) {
  const user: User = world.telegram.addUser({ first_name });
  const chat = world.telegram.privateChat(user);
  const fromBot = () => world.telegram.messages(chat).filter((m) => m.from?.is_bot === true);
  return {
    user,
    say: (text: string) => world.telegram.say(chat, user, text),
    press: (message: Message, button: string) => world.telegram.press(message, button, user),
    fromBot,
    sees: (what: RegExp) =>
      world.telegram.waitFor(() => fromBot().findLast((m) => what.test(m.text ?? '')), {
        timeoutMs: 10_000,
      }),
  };
}
type Person = ReturnType<typeof person>;

const madeKey = () => ['sk', 'proj', randomBytes(36).toString('base64url')].join('-');

async function bringKey(who: Person, state: 'valid' | 'limited' = 'valid'): Promise<string> {
  const key = world.openai.keys.add(state, madeKey());
  who.say(`/setkey ${key}`);
  await who.sees(/Saved|Replaced/);
  return key;
}

const asked = () => world.openai.completions().at(-1)?.body;

describe('/model', () => {
  test('shows the live list with prices, and a button sets the model', async () => {
    const who = person('Mona');
    await bringKey(who);
    who.say('/model');
    const list = await who.sees(/Models that your key may use/);
    expect(list.text).toMatch(/gpt-5\.4-mini: \$[\d.]+ in, \$[\d.]+ out/);
    expect(list.text).not.toMatch(/embedding|whisper|tts/);
    who.press(list, 'gpt-5.4');
    await who.sees(/From now on: gpt-5\.4 /);
    who.say('which one?');
    await who.sees(/which one/);
    expect(asked()).toMatchObject({ model: 'gpt-5.4' });
  });

  test('takes a name, and offers the nearest for one that is not there', async () => {
    const who = person('Max');
    await bringKey(who);
    who.say('/model GPT-5.4-mini');
    await who.sees(/From now on: gpt-5\.4-mini/);
    who.say('/model luna');
    await who.sees(/don’t find luna.*nearest/);
    const near = await who.sees(/Models that your key may use/);
    expect(world.telegram.buttons(near).map((b) => b.label)).toEqual(['gpt-5.6-luna']);
    who.say('/model nothing-like-it');
    await who.sees(/don’t find nothing-like-it.*These are there/);
    who.say('/model a\u2066b');
    expect((await who.sees(/don’t find a/)).text).toMatch(/^I don’t find a b among/);
  });

  test('offers the usual models to a restricted key', async () => {
    const who = person('Rita');
    await bringKey(who, 'limited');
    await who.sees(/restricted key/);
    who.say('/model');
    await who.sees(/may not list its models/);
  });

  test('of a model that only the Responses API serves answers all the same', async () => {
    const who = person('Rob');
    await bringKey(who);
    who.say('/model gpt-5.4-pro');
    await who.sees(/From now on: gpt-5\.4-pro/);
    who.say('are you there?');
    await who.sees(/are you there/);
    expect(world.openai.completions().at(-1)?.path).toMatch(/responses/);
  });

  test('with a key that was refused says so, and never that the house answers', async () => {
    const who = person('Nora');
    const key = await bringKey(who);
    world.openai.keys.set(key, 'revoked');
    who.say('hello?');
    await who.sees(/refuses your key/);
    for (const command of ['/model', '/model gpt-5.4']) {
      const before = who.fromBot().length;
      who.say(command);
      await world.telegram.waitFor(() => who.fromBot().length > before);
      const said = who.fromBot().at(-1);
      expect(said?.text).toMatch(/key can’t be used/);
      expect(said?.text).not.toMatch(/house/);
    }
  });

  test('without a key of one’s own says how to get the choice', async () => {
    const who = person('Hugo');
    who.say('/model');
    const notice = await who.sees(/With a key of your own you choose/);
    who.press(notice, 'Use my own key');
    await who.sees(/Whose key do you want to use/);
  });
});

describe('/keys and /delkey', () => {
  test('show what is kept by its last four characters, and delete it', async () => {
    const who = person('Kim');
    const key = await bringKey(who);
    who.say('/keys');
    const list = await who.sees(/Your keys/);
    expect(list.text).toContain(key.slice(-4));
    expect(list.text).not.toContain(key.slice(-8));
    expect(list.text).toMatch(/works/);
    who.press(list, 'Delete OpenAI');
    who.press(await who.sees(/can’t be brought back/), 'Yes, delete it');
    await who.sees(/Deleted: your OpenAI key/);
    who.say('/delkey openai');
    await who.sees(/no such key/);
    who.say('who pays now?');
    await who.sees(/who pays now/);
    expect(world.openai.completions().at(-1)?.headers.authorization).not.toContain(key);
  });

  test('a second key of the same provider replaces the first', async () => {
    const who = person('Ria');
    const first = await bringKey(who);
    const second = world.openai.keys.add('valid', madeKey());
    who.say(`/setkey ${second}`);
    await who.sees(/Replaced: your OpenAI key/);
    who.say('hello there');
    await who.sees(/hello there/);
    const used = world.openai.completions().at(-1)?.headers.authorization;
    expect(used).toBe(`Bearer ${second}`);
    expect(used).not.toContain(first);
  });

  test('of Anthropic are recognised and used', async () => {
    const who = person('Ann');
    who.say(`/setkey ${world.anthropic.keys.add()}`);
    await who.sees(/Saved: your Anthropic key/);
    who.say('hello Claude');
    await who.sees(/hello Claude/);
    expect(world.anthropic.requests.filter((r) => r.path.includes('messages'))).toHaveLength(1);
  });

  test('administrators’ keys and login tokens are refused with the reason', async () => {
    const who = person('Adam');
    const message = who.say(
      `/setkey ${['sk', 'admin', randomBytes(36).toString('base64url')].join('-')}`,
    );
    await who.sees(/administrator’s key/);
    who.say(`/setkey ${['sk', 'ant', 'oat01', randomBytes(66).toString('base64url')].join('-')}`);
    await who.sees(/login token/);
    expect(world.telegram.messages(message.chat).map((m) => m.message_id)).not.toContain(
      message.message_id,
    );
  });

  test('are checked five times a minute, not more', async () => {
    const who = person('Tom');
    const before = world.openai.requests.length;
    for (let i = 0; i < 7; i += 1) who.say(`/setkey ${madeKey()}`);
    const verdicts = () =>
      who.fromBot().filter((m) => /does not accept|too many keys/.test(m.text ?? ''));
    await world.telegram.waitFor(() => verdicts().length === 7, { timeoutMs: 15_000 });
    expect(verdicts().filter((m) => /too many keys/.test(m.text ?? ''))).toHaveLength(2);
    expect(world.openai.requests.length - before).toBe(5);
  }, 30_000);
});

describe('a guided /setkey', () => {
  test('can be cancelled, and then messages go to the model again', async () => {
    const who = person('Cleo');
    who.say('/setkey');
    who.press(await who.sees(/Whose key/), 'Anthropic');
    const page = await who.sees(/Get a key for Anthropic/);
    expect(page.text).toMatch(/spending limit/);
    expect(world.telegram.buttons(page).find((b) => b.label === 'Get a key')?.url).toMatch(
      /^https:/,
    );
    who.say('where is it?');
    who.press(await who.sees(/does not look like a key/), 'Cancel');
    await who.sees(/No key was taken/);
    who.say('a plain question');
    await who.sees(/a plain question/);
  });

  test('of one person can’t be finished by another', async () => {
    const [one, other] = [person('Ida'), person('Eve')];
    // Known before: of a stranger no key can be awaited.
    other.say('good morning');
    await other.sees(/You asked: good morning/);
    one.say('/setkey');
    one.press(await one.sees(/Whose key/), 'OpenAI');
    await one.sees(/Get a key for OpenAI/);
    other.say('not a key at all');
    await other.sees(/You asked: not a key/);
    expect(one.fromBot().some((m) => /not a key/.test(m.text ?? ''))).toBe(false);
  });
});

describe('the menu', () => {
  test('is registered for private chats and groups apart', async () => {
    const scopes = world.telegram.callsOf('setMyCommands').map((call) => call.payload.scope);
    expect(JSON.stringify(scopes)).toMatch(/all_private_chats/);
    expect(JSON.stringify(scopes)).toMatch(/all_group_chats/);
  });

  test('/help lists what there is', async () => {
    const who = person('Hans');
    who.say('/help');
    const help = await who.sees(/\/setkey/);
    const names = ['usage', 'model', 'new', 'stop', 'keys', 'delkey'];
    for (const name of [...names, 'forget', 'export', 'privacy', 'terms']) {
      expect(help.text).toContain(`/${name}`);
    }
    // What buttons alone lead to is nobody's to type.
    expect(help.text).not.toMatch(/\/(consent|continue|details)|–\s*$/m);
  });

  test('/privacy says what is kept and where words travel', async () => {
    const who = person('Pia');
    who.say('/privacy');
    const { text } = await who.sees(/What is kept/);
    expect(text).toMatch(/30 days/);
    expect(text).toMatch(/on a credit and where the house pays, OpenAI \(gpt/);
    expect(text).toMatch(/No moderation service/);
    expect(text).not.toMatch(/undefined|\*\*/);
  });

  test('/terms says who pays and who is liable, and /start names it', async () => {
    const who = person('Tom');
    who.say('/terms');
    const { text } = await who.sees(/Who is liable/);
    expect(text).toMatch(/20 messages and \$0\.10 a day/);
    expect(text).not.toMatch(/undefined|\*\*/);
    who.say('/start');
    await who.sees(/By using me you accept the \/terms/);
  });
});
