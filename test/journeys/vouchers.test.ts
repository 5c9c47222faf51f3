/** A workshop: its operator makes codes, people redeem them on Telegram and are answered on them. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Chat, Message } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { makeVoucherCode } from '../../src/funding/voucher-codes.ts';
import { runAdmin } from '../support/admin.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botMessages, botSays, loggedErrors, madeKey, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const rows = z.array(
  z.object({ code: z.string(), usd: z.string(), telegram: z.string(), discord: z.string() }),
);

let world: World;
let codes: readonly z.infer<typeof rows>[number][];
beforeAll(async () => {
  world = await createWorld({
    env: { FREE_DAILY_MESSAGES: '1', HOUSE_MODEL: 'openai/gpt-5.4' },
    retentionEveryMs: 300,
  });
  world.openai.script((question) => `Answer to: ${question.replace(/<[^>]*>/g, ' ')}`);
  await world.start();
  await waitFor(async () => {
    const { database } = world;
    const known = await database.db.execute(
      "select from installation where name = 'bot-addresses'",
    );
    return known.length > 0;
  });
  codes = await create('workshop', '--count', '6', '--csv', 'codes.csv');
}, 60_000);
afterAll(() => world.close());

/** As the operator's shell writes them, by a process of its own. */
async function create(name: string, ...more: readonly string[]) {
  const out = await runAdmin(
    world,
    ...['voucher', 'create', '--name', name, '--usd', '0.05', '--expires', '2035-12-31'],
    ...['--models', 'openai/gpt-5.4-mini,openai/gpt-5.4', ...more],
  );
  const text = more.includes('-')
    ? out
    : await readFile(join(world.env.DATA_DIR ?? '', 'codes.csv'), 'utf8');
  return rows.parse(parse(text, { columns: true }));
}

function onTelegram() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const own = world.telegram.privateChat(user);
  return {
    user,
    own,
    say: (text: string, chat: Chat = own) => world.telegram.say(chat, user, text),
    sees: (what: RegExp, chat: Chat = own) => botSays(world, chat, what),
    said: (chat: Chat = own) => botMessages(world, chat).map(textOf),
    press: (message: Message, label: string) => world.telegram.press(message, label, user),
  };
}

const codeOf = (nth: number) => codes[nth]?.code ?? '';

test('codes are written once, with the way to the bot, to a file that is the operator’s alone', async () => {
  expect(codes).toHaveLength(6);
  for (const { code, telegram, usd } of codes) {
    expect(usd).toBe('0.05');
    expect(telegram).toBe(`https://t.me/${world.telegram.bot.username}?start=redeem_${code}`);
  }
  const { mode } = await stat(join(world.env.DATA_DIR ?? '', 'codes.csv'));
  expect(mode & 0o777).toBe(0o600);
  const dump = JSON.stringify(await world.database.db.execute('select * from vouchers'));
  for (const { code } of codes) {
    expect(dump).not.toContain(code);
    expect(dump).not.toContain(code.replaceAll('-', ''));
    expect(world.logged.join('\n')).not.toContain(code);
  }
});

test('a code becomes a credit that pays before the house, out of the house’s sight, and is seen in /usage', async () => {
  const ann = onTelegram();
  ann.say('on the house');
  await ann.sees(/Answer to.*on the house/s);
  ann.say(`/redeem ${codeOf(0).toLowerCase()}`);
  expect(textOf(await ann.sees(/Redeemed/))).toMatch(/credit of \$0\.05 until .*2036/);
  ann.say('on the credit');
  const answer = textOf(await ann.sees(/Answer to.*on the credit/s));
  expect(answer).toContain('From now on your credit pays');
  expect(asked(world, 'on the credit')[0]?.body).toMatchObject({ model: 'gpt-5.4' });
  ann.say('/usage');
  const usage = textOf(await ann.sees(/Your credit/));
  expect(usage).toMatch(/\$0\.0\d+ of \$0\.05 left until .*for gpt-5\.4-mini, gpt-5\.4/);
  expect(usage).toMatch(/0 of 1 messages/);
  expect(usage).toContain('Your next message is paid by your credit');
  const [sums] = await world.database.db.execute<{ house: number; credit: number }>(`
    select (select count(*)::int from reservations r where funding = 'credit'
            and array_length(spent_budgets || answered_budgets, 1) = 1) as credit,
           (select count(*)::int from reservations where funding = 'credit') as house`);
  expect(sums?.credit).toBe(sums?.house);
  ann.say(`/redeem ${codeOf(0)}`);
  await ann.sees(/You have redeemed this code already/);
  ann.say(`/redeem ${codeOf(1)}`);
  await ann.sees(/everybody may redeem one of them/);
}, 30_000);

test('the model is the user’s to choose among those of the voucher, and no other', async () => {
  const ann = onTelegram();
  ann.say(`/redeem ${codeOf(2)}`);
  await ann.sees(/Redeemed/);
  ann.say('/model');
  const list = await ann.sees(/Models that your credit pays for/);
  expect(textOf(list)).not.toContain('terra');
  ann.press(list, 'gpt-5.4-mini');
  await ann.sees(/From now on: gpt-5\.4-mini/);
  ann.say('which one');
  await ann.sees(/Answer to.*which one/s);
  expect(asked(world, 'which one')[0]?.body).toMatchObject({ model: 'gpt-5.4-mini' });
  ann.say('/model gpt-5.6-terra');
  await ann.sees(/I don’t find gpt-5\.6-terra among the models that you may use/);
}, 30_000);

test('a link redeems; a key of one’s own goes before the credit, and one’s order says otherwise', async () => {
  const ann = onTelegram();
  ann.say(`/start redeem_${codeOf(3)}`);
  await ann.sees(/Redeemed/);
  ann.say(`/start redeem_${codeOf(3)}`);
  await ann.sees(/already/);
  const key = world.openai.keys.add('valid', madeKey());
  ann.say(`/setkey ${key}`);
  await ann.sees(/Saved/);
  ann.say('with my key');
  await ann.sees(/Answer to.*with my key/s);
  expect(asked(world, 'with my key')[0]?.headers.authorization).toBe(`Bearer ${key}`);
}, 30_000);

test('a code in a group is not redeemed: the message goes, and its sender is told', async () => {
  const ann = onTelegram();
  const group = world.telegram.group({ title: 'G', members: [ann.user], botIsAdmin: true });
  const shown = ann.say(`/redeem@${world.telegram.bot.username} ${codeOf(4)}`, group);
  const told = await botSays(world, group, /It was not redeemed here/, { as: ann.user });
  expect(textOf(told)).toContain('I deleted your message');
  expect(world.telegram.messages(group).map((m) => m.message_id)).not.toContain(shown.message_id);
  ann.say(`/redeem ${codeOf(4)}`);
  await ann.sees(/Redeemed/);
}, 20_000);

test('a mistyped code is no try; five wrong ones are enough, and /forget renews none of it', async () => {
  const ann = onTelegram();
  ann.say('/redeem');
  await ann.sees(/Send me the code with the command/);
  for (const typo of ['hello', codeOf(5).slice(1), `${codeOf(5).slice(0, -1)}-`]) {
    ann.say(`/redeem ${typo}`);
  }
  await waitFor(
    () => ann.said().filter((text) => /No code is written like that/.test(text)).length === 3,
  );
  for (let n = 0; n < 5; n += 1) ann.say(`/redeem ${makeVoucherCode()}`);
  await waitFor(
    () => ann.said().filter((text) => /I don’t know this code/.test(text)).length === 5,
  );
  ann.say(`/redeem ${codeOf(5)}`);
  await ann.sees(/Too many codes that were no good/);
  ann.say('/forget');
  ann.press(await ann.sees(/Forget everything about you/), 'Forget everything');
  await ann.sees(/Should you write again/);
  const before = ann.said().length;
  ann.say(`/redeem ${codeOf(5)}`);
  await waitFor(() =>
    ann
      .said()
      .slice(before)
      .some((text) => /Too many codes/.test(text)),
  );
}, 30_000);

test('who redeemed, and is forgotten, redeems no second one; the credit goes, and the sums stay right', async () => {
  const ann = onTelegram();
  ann.say(`/redeem ${codeOf(5)}`);
  await ann.sees(/Redeemed/);
  ann.say('before I go');
  await ann.sees(/Answer to.*before I go/s);
  ann.say('/forget');
  ann.press(await ann.sees(/what is left of your credits/), 'Forget everything');
  await ann.sees(/Should you write again/);
  const before = ann.said().length;
  ann.say(`/redeem ${codeOf(5)}`);
  await waitFor(() =>
    ann
      .said()
      .slice(before)
      .some((text) => /You have redeemed this code already/.test(text)),
  );
  await expectSums(world.database.db);
}, 30_000);

test('a revoked credit ends, and the house that goes on says so', async () => {
  const ann = onTelegram();
  const [small] = await create('small', '--csv', '-');
  ann.say(`/redeem ${small?.code}`);
  await ann.sees(/Redeemed/);
  ann.say('while it lasts');
  await ann.sees(/Answer to.*while it lasts/s);
  expect(await runAdmin(world, 'voucher', 'revoke', 'small', '--credits')).toMatch(
    /Void now: 1 code\. Credits ended: 1\./,
  );
  ann.say('and now');
  expect(textOf(await ann.sees(/Answer to.*and now/s))).toContain('From now on the house pays');
  await waitFor(async () => {
    const open = await world.database.db.execute(
      'select from credits where closed_at is null and expires_at < now()',
    );
    return open.length === 0;
  });
  await expectSums(world.database.db);
  const other = onTelegram();
  other.say(`/redeem ${small?.code}`);
  await other.sees(/made void by the operator/);
  const list = await runAdmin(world, 'voucher', 'list');
  expect(list).toMatch(/small +1 +\$0\.05 +1 of 1 +1 +\$0\.00\d+/);
  expect(list).toMatch(/workshop +6/);
}, 60_000);

test('none of this was an error', () => {
  expect(loggedErrors(world)).toEqual([]);
});
