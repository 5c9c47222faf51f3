/** /model, /settings and /usage name whoever would really pay for the next message. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked, loggedErrors, madeKey, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

let world: World;
let people: ReturnType<typeof poolPeople>;
let codes: string[];
beforeAll(async () => {
  world = await createWorld();
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start({ FREE_DAILY_MESSAGES: '1' });
  people = poolPeople(world);
  const made = await runAdmin(
    world,
    ...['voucher', 'create', '--name', 'shown', '--usd', '1', '--count', '2', '--json'],
    ...['--expires', '2030-12-31', '--models', 'openai/gpt-5.4-mini,openai/gpt-5.4-nano'],
  );
  codes = [...made.matchAll(/"code":"([^"]+)"/g)].flatMap(([, code]) => code ?? []);
}, 30_000);
afterAll(() => world.close());

type Person = ReturnType<ReturnType<typeof poolPeople>['person']>;

async function known() {
  const who = people.person();
  await who.asks('/start', /Latchkey/);
  return who;
}
const settings = async (who: Person) => textOf(await who.asks('/settings', /Your settings/));

test('the house, and beside each choice what it means for the bill', async () => {
  const ann = await known();
  const page = await settings(ann);
  expect(page).toMatch(/Model: gpt-[\w.-]+, which the house pays: it costs you nothing while/);
  expect(page).toMatch(/Own key first: your provider bills you directly/);
  expect(page).toMatch(/Own key only: your provider bills you directly, and nobody else/);
  expect(page).toMatch(/House first: the free allowance while it lasts, which costs you nothing/);
  expect(page).toMatch(/Ask me: where several can pay/);
  await ann.asks('/model', /The house answers you with gpt-/);
});

test('a pool, whose models are the member’s to choose', async () => {
  const boss = await people.owner('models=gpt-5.4-mini,gpt-5.4');
  const [ann] = await people.membersOf(boss, 'Ann');
  if (ann === undefined) throw new Error('nobody');
  expect(await settings(ann)).toMatch(
    new RegExp(
      `Model: gpt-5\\.4-mini, which pool ${boss.name} pays: the owner of the pool is billed`,
    ),
  );
  const list = await ann.asks('/model', new RegExp(`The pool ${boss.name} answers you with`));
  expect(textOf(list)).toMatch(/Models that its owner allows/);
  ann.press(list, 'gpt-5.4');
  await ann.sees(/From now on: gpt-5\.4 /);
  await ann.asks('which of them', /Answer to/);
  expect(asked(world, 'which of them')[0]?.body).toMatchObject({ model: 'gpt-5.4' });
  await ann.asks('/model gpt-5.6-terra', /I don’t find gpt-5\.6-terra/);
});

test('a credit, and an own key before it', async () => {
  const ann = await known();
  await ann.asks(`/redeem ${codes[0]}`, /Redeemed/);
  expect(await settings(ann)).toMatch(
    /Model: gpt-5\.4-mini, which your credit pays: it costs you nothing until your credit is used/,
  );
  await ann.asks('/model', /gpt-5\.4-mini answers you, paid by your credit/);
  await ann.asks(`/setkey ${world.openai.keys.add('valid', madeKey())}`, /Saved/);
  expect(await settings(ann)).toMatch(/on your own OpenAI key: your provider bills you directly/);
  await ann.asks('/model', /Your model at OpenAI: gpt-[\w.-]+\. OpenAI bills you directly/);
});

test('house first: the house, with the model of the own key behind it', async () => {
  const ann = await known();
  await ann.asks(`/setkey ${world.openai.keys.add('valid', madeKey())}`, /Saved/);
  ann.press(await ann.asks('/settings', /Your settings/), 'House first');
  await ann.sees(/Who pays: House first/);
  const list = await ann.asks(
    '/model',
    /The house answers you with gpt-[\s\S]*Where your own key pays instead:\s*Your model at OpenAI/,
  );
  ann.press(list, 'gpt-5.4');
  await ann.sees(/From now on: gpt-5\.4 /);
  await ann.asks('the free one', /Answer to/);
  expect(await settings(ann)).toMatch(/Model: gpt-5\.4 on your own OpenAI key/);
});

test('nobody, and why', async () => {
  const ann = await known();
  ann.press(await ann.asks('/settings', /Your settings/), 'Own key only');
  await ann.sees(/Model: none: you let nobody pay but your own key/);
  await ann.asks('/model', /no model to choose: you let nobody pay but your own key/);
  const ben = await known();
  const key = world.openai.keys.add('valid', madeKey());
  await ben.asks(`/setkey ${key}`, /Saved/);
  world.openai.keys.set(key, 'revoked');
  await ben.asks('hello', /OpenAI refuses your key/);
  expect(await settings(ben)).toMatch(/Model: none: your own key can’t be used/);
  await ben.asks('/model', /no model to choose: your own key can’t be used/);
});

test('an own key whose limit is used up goes on being named: nobody pays instead', async () => {
  const ann = await known();
  await ann.asks(`/setkey ${world.openai.keys.add('valid', madeKey())}`, /Saved/);
  await ann.asks('/limit 0.000001 day', /at most/);
  await ann.asks('first', /limit for today|Answer to|Cut here/);
  await world.database.db.execute(sql`
    update budgets set spent_micros = 1000000 where holder_kind = 'own'`);
  await ann.asks('/usage', /paid by your own OpenAI key/);
  expect(await settings(ann)).toMatch(/on your own OpenAI key/);
});

test('none of this was an error', () => {
  expect(loggedErrors(world)).toEqual([]);
});
