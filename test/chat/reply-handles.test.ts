/** What a platform needs to answer a message is a secret for as long as it is good. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { channel, direct } from '../support/scripted-platform.ts';
import { createScriptedWorld, type ScriptedWorld } from '../support/scripted-world.ts';

let world: ScriptedWorld;
beforeAll(async () => {
  world = await createScriptedWorld();
});
afterAll(() => world.close());

/** Whether a word stands in any table, as text or in bytes. */
async function isInDatabase(word: string): Promise<boolean> {
  const { db } = world.database;
  const tables = await db.execute<{ name: string }>(sql`
    select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
    from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`);
  const dumps = await Promise.all(
    tables.map(({ name }) => db.execute(sql`select t::text as line from ${sql.raw(name)} t`)),
  );
  const text = JSON.stringify(dumps);
  return [word, Buffer.from(word).toString('hex')].some((form) => text.includes(form));
}

test('a turn is answered by the handle of its message, which stands nowhere in the clear', async () => {
  const { chat } = world;
  const replyHandle = `handle-${randomUUID()}`;
  await chat.says('ann', channel('c1'), 'what is quince?', { replyHandle });
  expect((await chat.reads('ann', channel('c1'), /quince/)).replyHandle).toBe(replyHandle);
  await world.ended(1);
  expect(await isInDatabase('c1')).toBe(true);
  expect(await isInDatabase(replyHandle)).toBe(false);
  expect(world.logged.join('\n')).not.toContain(replyHandle);
});

test('a command and a press are answered by theirs', async () => {
  const { chat } = world;
  const [first, second] = [`handle-${randomUUID()}`, `handle-${randomUUID()}`];
  await chat.says('ann', direct('ann'), '', {
    command: { name: 'start', argument: '' },
    replyHandle: first,
  });
  const greeting = await chat.reads('ann', direct('ann'), /I am \*\*Latchkey/);
  expect(greeting.replyHandle).toBe(first);
  await chat.presses('ann', greeting, 'Usage', { replyHandle: second });
  expect((await chat.reads('ann', direct('ann'), /This month/)).replyHandle).toBe(second);
  for (const handle of [first, second]) {
    expect(await isInDatabase(handle)).toBe(false);
    expect(world.logged.join('\n')).not.toContain(handle);
  }
});
