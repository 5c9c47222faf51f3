/** Whatever changes who pays for a person's messages, they are told before or with the next answer. */

import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { loggedErrors, madeKey, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

let world: World;
let people: ReturnType<typeof poolPeople>;
let shown = '';
const [input, output] = [new PassThrough(), new PassThrough()];
let operator: Person;

beforeAll(async () => {
  world = await createWorld({ retentionEveryMs: 300 });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  people = poolPeople(world);
  operator = people.person('Olga');
  output.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
  });
  await world.start(
    { OPERATOR_IDS: `telegram:${operator.user.id}` },
    { input, output, onExit: () => undefined },
  );
});
afterAll(() => world.close());

type Person = ReturnType<ReturnType<typeof poolPeople>['person']>;

const HOUSE_PAYS = /From now on the house pays: it costs you nothing while/;

async function withKey() {
  const who = people.person();
  const key = world.openai.keys.add('valid', madeKey());
  await who.asks(`/setkey ${key}`, /Saved/);
  return { ...who, key };
}
async function typed(text: string, what: RegExp): Promise<RegExpExecArray> {
  const from = shown.length;
  input.write(`${text}\n`);
  return world.telegram.waitFor(() => what.exec(shown.slice(from)) ?? undefined);
}
async function deletesKey(who: Person, then: RegExp) {
  who.press(await who.asks('/delkey', /Delete your OpenAI key/), 'Yes, delete it');
  return textOf(await who.sees(then));
}

test('/link and /unlink say who pays from then on, on each side what is true there', async () => {
  const ann = await withKey();
  const code = /\/link ([A-Z0-9]{4}-[A-Z0-9]{4})/.exec(
    textOf(await ann.asks('/link', /works once/)),
  )?.[1];
  const [, join = ''] = await typed(`/link ${code}`, /\[(\d)\] Join/);
  await typed(join, /Joined with your account[\s\S]*From now on your own key pays/);
  await ann.sees(/was joined with one on the terminal[\s\S]*From now on your own key pays/);
  const from = shown.length;
  ann.press(await ann.asks('/unlink', /Shall I separate/), 'Separate them');
  await ann.sees(/Separated[\s\S]*From now on your own key pays: your provider bills you directly/);
  await world.telegram.waitFor(
    () =>
      /was separated[\s\S]*From now on the house pays: it costs you/.test(shown.slice(from)) ||
      undefined,
  );
});

test('/delkey says who pays from then on: the house, a pool, or nobody', async () => {
  const ann = await withKey();
  expect(await deletesKey(ann, /^Deleted/)).toMatch(HOUSE_PAYS);

  const boss = await people.owner();
  const [ben] = await people.membersOf(boss, 'Ben');
  if (ben === undefined) throw new Error('nobody');
  await ben.asks(`/setkey ${world.openai.keys.add('valid', madeKey())}`, /Saved/);
  expect(await deletesKey(ben, /^Deleted/)).toMatch(
    new RegExp(`From now on pool ${boss.name} pays: the owner of the pool is billed`),
  );

  const eve = await withKey();
  eve.press(await eve.asks('/settings', /Your settings/), 'Own key only');
  await eve.sees(/Who pays: Own key only/);
  expect(await deletesKey(eve, /^Deleted/)).toMatch(
    /From now on nobody pays for your messages: you let nobody pay but your own key/,
  );
});

test('a key that its time is over for says who pays from then on', async () => {
  const ann = await withKey();
  await world.database.db.execute(sql`
    update api_keys set expires_at = now() where user_id =
      (select user_id from identities where platform_user_id = ${String(ann.user.id)})`);
  await ann.sees(/I have forgotten your OpenAI key[\s\S]*From now on the house pays/);
});

test('a key that its provider refuses is told, and neither a pool nor the house pays instead', async () => {
  const boss = await people.owner();
  const [ann] = await people.membersOf(boss, 'Ann');
  if (ann === undefined) throw new Error('nobody');
  const key = world.openai.keys.add('valid', madeKey());
  await ann.asks(`/setkey ${key}`, /Saved/);
  await ann.asks('first', /Answer to/);
  world.openai.keys.set(key, 'revoked');
  await ann.asks('second', /OpenAI refuses your key.*does not pay instead/);
  await ann.asks('third', /Not answered: OpenAI has refused your key/);
  expect(people.keyFor('third')).toBeUndefined();
});

test('a pool that is closed, left, or puts a member out: told with the next answer', async () => {
  const boss = await people.owner();
  const [closed, left, removed] = await people.membersOf(boss, 'Ann', 'Ben', 'Cem');
  if (closed === undefined || left === undefined || removed === undefined) throw new Error('who');
  for (const one of [closed, left, removed]) await one.asks('first', /Answer to/);
  await left.asks('/pool leave', /left|no longer/i);
  expect(textOf(await left.asks('second', /Answer to/))).toMatch(HOUSE_PAYS);
  const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Cem/));
  const number = /(\d+) Cem/.exec(roster)?.[1];
  await boss.asks(`/pool remove ${boss.name} #${number}`, /out|removed/i);
  expect(textOf(await removed.asks('second', /Answer to/))).toMatch(HOUSE_PAYS);
  const page = await boss.asks(`/pool close ${boss.name}`, /close/i);
  const yes = world.telegram.buttons(page).find(({ data }) => /closed/.test(data ?? ''));
  boss.press(page, yes?.label ?? '');
  await boss.sees(/closed/);
  const answer = textOf(await closed.asks('second', /Answer to/));
  expect(answer).toMatch(/was closed by its owner/);
  expect(answer).toMatch(HOUSE_PAYS);
});

test('a plan that ends is told once, with what holds from then on', async () => {
  const ann = people.person();
  await ann.asks('/start', /Latchkey/);
  await world.database.db.execute(sql`
    insert into plan_grants (user_id, plan, until, at, by)
    select user_id, 'pro', now() + interval '1 second', now(), 'shell' from identities
    where platform_user_id = ${String(ann.user.id)}`);
  await ann.sees(
    /Your plan pro has ended; .*the free allowance again\. From now on the house pays/,
  );
  await ann.asks('/usage', /Free allowance/);
  expect(ann.said().filter((text) => /has ended/.test(text))).toHaveLength(1);
});

test('a suspension, and its end, move nobody to or from their own key without a word', async () => {
  const ann = await withKey();
  const name = `telegram:${ann.user.id}`;
  expect(textOf(await ann.asks('first', /Answer to/))).not.toMatch(/From now on/);
  await operator.asks(`/admin suspend ${name} 1`, /Suspended/);
  expect(textOf(await ann.asks('second', /Answer to/))).not.toMatch(/From now on/);
  await operator.asks(`/admin lift ${name}`, /Lifted/);
  expect(textOf(await ann.asks('third', /Answer to/))).not.toMatch(/From now on/);

  // Who let the house go first goes on with their own key meanwhile, and is told both times.
  ann.press(await ann.asks('/settings', /Your settings/), 'House first');
  await ann.sees(/Who pays: House first/);
  expect(textOf(await ann.asks('fourth', /Answer to/))).toMatch(HOUSE_PAYS);
  await operator.asks(`/admin suspend ${name} 1`, /Suspended/);
  expect(textOf(await ann.asks('fifth', /Answer to/))).toMatch(
    /nobody else pays for you while you are suspended here.*\nFrom now on your own key pays/,
  );
  await operator.asks(`/admin lift ${name}`, /Lifted/);
  expect(textOf(await ann.asks('sixth', /Answer to/))).toMatch(HOUSE_PAYS);
});

test('a credit that is used up hands over with a word', async () => {
  const made = await runAdmin(
    world,
    ...['voucher', 'create', '--name', 'small', '--usd', '1', '--expires', '2030-12-31', '--json'],
  );
  const [, code = ''] = /"code":"([^"]+)"/.exec(made) ?? [];
  const ann = people.person();
  await ann.asks(`/redeem ${code}`, /Redeemed/);
  await ann.asks('first', /Answer to/);
  await world.database.db.execute(sql`
    update budgets set spent_micros = granted_micros where holder_kind = 'credit'`);
  expect(textOf(await ann.asks('second', /Answer to/))).toMatch(HOUSE_PAYS);
  await world.database.db.execute(sql`
    update budgets set spent_micros = 0 where holder_kind = 'credit'`);
});

test('none of this was an error', () => {
  expect(loggedErrors(world).filter((line) => !/ledger/.test(line))).toEqual([]);
});
