/** That the sums of the ledger equal its rows is checked while the bot runs, and its operator is told. */

import { afterAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { createWorld } from '../support/latchkey.ts';
import { botMessages, botSays, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const world = await createWorld({ retentionEveryMs: 100 });
afterAll(() => world.close());

test('the operator is told of a sum that differs from its rows, and of nothing before', async () => {
  const { telegram, database } = world;
  const olga = telegram.addUser({ first_name: 'Olga' });
  const chat = telegram.privateChat(olga);
  world.openai.script((question) => `Answer to: ${question}`);
  await world.start({ OPERATOR_IDS: `telegram:${olga.id}` });
  telegram.say(chat, olga, 'what do I cost?');
  await botSays(world, chat, /Answer to: .*what do I cost/);

  const isChecked = async () => {
    const [row] = await database.db.execute(sql`
      select (value #>> '{}')::timestamptz > now() - interval '1 hour' as today
      from installation where name = 'ledger-checked'`);
    return row?.today === true;
  };
  const checkAgain = () =>
    database.db.execute(sql`
      update installation set value = to_jsonb(now() - interval '2 days')
      where name = 'ledger-checked'`);
  await waitFor(isChecked);
  await checkAgain();
  await waitFor(isChecked);
  const said = () => botMessages(world, chat).map(textOf);
  expect(said().filter((text) => /does not add up/.test(text))).toEqual([]);

  await database.db.execute(sql`update budgets set spent_micros = spent_micros + 1
    where id = (select id from budgets where holder_kind = 'house' limit 1)`);
  await checkAgain();
  const told = textOf(await botSays(world, chat, /The ledger does not add up/));
  expect(told).toMatch(/house, day/);
});
