/** Many at once: no cap is passed, however many chats ask together. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { HOUSE } from '../../src/funding/budgets.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botMessages, botSays, loggedErrors, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const CAP_MICROS = 250_000;
const NEW_USERS_MICROS = 60_000;
const PRICES = { 'openai/gpt-5.4-mini': { input: 1, output: 10 } };

let world: World;
beforeAll(async () => {
  world = await createWorld();
  const file = (name: string) => join(world.env.DATA_DIR ?? '', name);
  await writeFile(file('prices.json'), JSON.stringify(PRICES));
  await writeFile(
    file('plans.json'),
    JSON.stringify({ house: { newUsersDayUsd: NEW_USERS_MICROS / 1e6 }, pro: {} }),
  );
  await world.start({
    PRICES_FILE: file('prices.json'),
    PLANS_FILE: file('plans.json'),
    HOUSE_MODEL: 'openai/gpt-5.4-mini',
    FREE_DAILY_USD: '1',
    HOUSE_DAILY_USD: String(CAP_MICROS / 1e6),
  });
  // What it is allowed to say it says, to the last token.
  world.openai.script((question, { body }) => {
    const output = Number((body as { max_completion_tokens?: number }).max_completion_tokens);
    return {
      text: `Answer to: ${question}`,
      usage: { input: 100, output },
      finish: output < 4_096 ? 'length' : 'complete',
    };
  });
}, 60_000);
afterAll(() => world.close());

function person(name: string) {
  const user = world.telegram.addUser({ first_name: name });
  const chat = world.telegram.privateChat(user);
  return {
    account: `telegram:${user.id}`,
    say: (text: string) => world.telegram.say(chat, user, text),
    sees: (what: RegExp) => botSays(world, chat, what, { timeoutMs: 30_000 }),
    said: () => botMessages(world, chat).map(textOf),
  };
}
type Person = ReturnType<typeof person>;

const crowd = (size: number) => Array.from({ length: size }, (_, nth) => person(`P${nth}`));

/** All ask at once, and each is told something. */
async function allAsk(people: readonly Person[], question: string): Promise<readonly string[]> {
  for (const one of people) one.say(question);
  const told = await Promise.all(
    people.map((one) => one.sees(/Answer to|given|house’s|has/).then(textOf)),
  );
  await waitFor(async () => (await spent()).reserved === 0);
  return told;
}

/** Of the house's day, in micros. */
async function spent() {
  const [row] = await world.database.db.execute<{ spent: number; reserved: number }>(sql`
    select sum(spent_micros)::int as spent, sum(reserved_micros)::int as reserved
    from budgets where holder_kind = ${HOUSE.kind} and holder_id = ${HOUSE.id} and period = 'day'`);
  return row ?? { spent: 0, reserved: 0 };
}

test('fifty fresh accounts can’t empty the house’s day: those whom it knows go on', async () => {
  const told = await allAsk(crowd(50), 'a swarm');
  const answered = told.filter((text) => text.includes('Answer to'));
  const refused = told.filter((text) => /given those who are new here everything/.test(text));
  expect(answered.length).toBeGreaterThan(0);
  expect(refused.length).toBeGreaterThan(0);
  expect(answered.length + refused.length).toBe(50);
  expect(asked(world, 'a swarm')).toHaveLength(answered.length);
  expect((await spent()).spent).toBeLessThanOrEqual(NEW_USERS_MICROS);
  // The last of them got as much as what was left still paid for, and reads why.
  const cut = /Cut here: the house allowance paid for no more/;
  expect(answered.filter((text) => cut.test(text))).toHaveLength(1);

  const known = person('Known');
  known.say('/start');
  await known.sees(/Latchkey/);
  const plans = join(world.env.DATA_DIR ?? '', 'plans.json');
  const shell = { ...world, env: { ...world.env, PLANS_FILE: plans } };
  await runAdmin(shell, 'user', 'grant', known.account, '--plan', 'pro');
  known.say('known to the operator');
  await known.sees(/Answer to:.*known to the operator/s);
}, 60_000);

test('fifty turns at once stay within what the house has for its day, and the last is cut', async () => {
  const people = crowd(50);
  for (const one of people) one.say('/start');
  await Promise.all(people.map((one) => one.sees(/Latchkey/)));
  await world.database.db.execute(sql`
    insert into plan_grants (user_id, plan, by) select id, 'pro', 'test' from users on conflict do nothing`);
  const told = await allAsk(people, 'all together');
  const refused = told.filter((text) => /given away everything that it had for today/.test(text));
  const answered = told.filter((text) => text.includes('Answer to'));
  expect(answered.length).toBeGreaterThan(0);
  expect(answered.length + refused.length).toBe(50);
  const { spent: micros } = await spent();
  expect(micros).toBeLessThanOrEqual(CAP_MICROS);
  // Nothing that still pays for a useful answer is left over.
  expect(micros).toBeGreaterThan(CAP_MICROS - 4_000);
  expect(answered.filter((text) => /Cut here/.test(text))).not.toHaveLength(0);
}, 60_000);

test('one code that fifty send in at once becomes one credit, and each is told', async () => {
  const out = await runAdmin(
    world,
    ...['voucher', 'create', '--name', 'race', '--usd', '1', '--expires', '2035-12-31'],
  );
  const code = /^((?:[A-Z0-9]{6}-?){3})/m.exec(out)?.[1] ?? '';
  const people = crowd(50);
  for (const one of people) one.say(`/redeem ${code}`);
  const told = await Promise.all(
    people.map((one) => one.sees(/Redeemed|used by somebody else/).then(textOf)),
  );
  expect(told.filter((text) => text.includes('Redeemed'))).toHaveLength(1);
  expect(await runAdmin(world, 'voucher', 'list')).toMatch(/race +1 +\$1\.00 +1 of 1/);
}, 60_000);

test('sums equal the rows, and none of this was an error', async () => {
  await expectSums(world.database.db);
  // The operator's warnings are logged too.
  const failures = loggedErrors(world).filter((line) => !/"code":"house: /.test(line));
  expect(failures).toEqual([]);
});
