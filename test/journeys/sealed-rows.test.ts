/** Rows that somebody changed in the database: nobody is asked with them, and their owner is told. */

import type { Chat, User } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { botSays, loggedErrors, madeKey } from '../support/people.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question}`);
  await world.start();
});
afterAll(() => world.close());

interface Owner {
  readonly user: User;
  readonly chat: Chat;
}

async function withKey(): Promise<Owner> {
  const user = world.telegram.addUser({ first_name: 'Somebody' });
  const chat = world.telegram.privateChat(user);
  world.telegram.say(chat, user, `/setkey ${world.openai.keys.add('valid', madeKey())}`);
  await botSays(world, chat, /Saved: your OpenAI key/);
  return { user, chat };
}

const owned = ({ user }: Owner) =>
  sql`user_id = (select user_id from identities where platform_user_id = ${String(user.id)})`;

const CHANGES = {
  'a flipped bit': (mine: Owner) =>
    sql`update api_keys set sealed = set_bit(sealed, 300, 1 - get_bit(sealed, 300)) where ${owned(mine)}`,
  'a cut': (mine: Owner) =>
    sql`update api_keys set sealed = substr(sealed, 1, 40) where ${owned(mine)}`,
  'nothing left': (mine: Owner) => sql`update api_keys set sealed = ''::bytea where ${owned(mine)}`,
  'far too much': (mine: Owner) =>
    sql`update api_keys set sealed = sealed || decode(repeat('00', 100000), 'hex') where ${owned(mine)}`,
  'another version': (mine: Owner) =>
    sql`update api_keys set version = version + 1 where ${owned(mine)}`,
  'another provider': (mine: Owner) =>
    sql`update api_keys set provider = 'groq' where ${owned(mine)}`,
  'the row of another user': (mine: Owner, other: Owner) =>
    sql`update api_keys set (sealed, version) =
          (select sealed, version from api_keys where ${owned(other)}) where ${owned(mine)}`,
} as const;

test.concurrent.each(Object.entries(CHANGES))(
  '%s in a sealed key: no provider is asked, and the owner reads what to do',
  async (_, change) => {
    const [mine, other] = [await withKey(), await withKey()];
    await world.database.db.execute(change(mine, other));
    world.telegram.say(mine.chat, mine.user, `tampered ${mine.user.id}`);
    await botSays(world, mine.chat, /does not open any more, so I asked nobody/);
    const asked = world.openai.requests.filter((r) =>
      JSON.stringify(r.body ?? '').includes(`tampered ${mine.user.id}`),
    );
    expect(asked).toEqual([]);
    // Sending the key again mends it.
    const key = world.openai.keys.add('valid', madeKey());
    world.telegram.say(mine.chat, mine.user, `/setkey ${key}`);
    await botSays(world, mine.chat, new RegExp(`: your OpenAI key ending in ${key.slice(-4)}`));
    world.telegram.say(mine.chat, mine.user, 'and now?');
    await botSays(world, mine.chat, /Answer to: and now/);
  },
);

test('none of this was an error of ours', () => {
  expect(loggedErrors(world)).toEqual([]);
});
