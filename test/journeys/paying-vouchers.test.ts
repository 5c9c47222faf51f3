/** A hundred codes for a workshop: who may redeem them, how often and until when, on both platforms. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sql } from '../../src/db/drizzle.ts';
import { makeVoucherCode } from '../../src/funding/voucher-codes.ts';
import { runAdmin } from '../support/admin.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { botSays, loggedErrors, textOf } from '../support/people.ts';
import { waitFor } from '../support/wait-for.ts';

const rows = z.array(z.object({ code: z.string() }));

let world: DiscordWorld;
let codes: readonly string[];
beforeAll(async () => {
  world = await createDiscordWorld();
  codes = await create('workshop', '--count', '100');
}, 60_000);
afterAll(() => world.close());

async function create(name: string, ...more: readonly string[]): Promise<readonly string[]> {
  await runAdmin(
    world,
    ...['voucher', 'create', '--name', name, '--usd', '1', '--expires', '2035-12-31'],
    ...['--csv', `${name}.csv`, ...more],
  );
  const text = await readFile(join(world.env.DATA_DIR ?? '', `${name}.csv`), 'utf8');
  return rows.parse(parse(text, { columns: true })).map(({ code }) => code);
}

function onTelegram() {
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  const say = (text: string) => world.telegram.say(chat, user, text);
  const sees = (what: RegExp) => botSays(world, chat, what);
  return {
    say,
    sees,
    /** @returns what is said below the answer */
    async asks(question: string) {
      say(question);
      return textOf(await sees(new RegExp(`Answer to:.*${question}`)));
    },
  };
}

test('a hundred codes are a hundred, each good for one person', async () => {
  expect(new Set(codes).size).toBe(100);
  const [ann, bob] = [onTelegram(), onTelegram()];
  ann.say(`/start redeem_${codes[99]}`);
  await ann.sees(/Redeemed: you have a credit of \$1\.00/);
  bob.say(`/redeem ${codes[99]}`);
  await bob.sees(/This code was used by somebody else/);
});

test('a code of three uses is good for three people, and each once', async () => {
  const [code] = await create('three', '--uses', '3');
  const four = [onTelegram(), onTelegram(), onTelegram(), onTelegram()];
  for (const [nth, one] of four.entries()) {
    one.say(`/redeem ${code}`);
    await one.sees(nth < 3 ? /Redeemed/ : /used by somebody else, as often as it may be/);
  }
  four[0]?.say(`/redeem ${code}`);
  await four[0]?.sees(/You have redeemed this code already/);
}, 30_000);

test('on Discord a button leads to the form for another try, and guessing ends there too', async () => {
  const [ann, eve] = [world.person('ann'), world.person('eve')];
  const dm = world.discord.dm(ann);
  const typo = ann.slash('redeem', { code: 'hello' }, dm);
  const asked = await typo.answered(({ content }) => /No code is written like that/.test(content));
  const press = ann.presses(asked, 'Enter a code');
  await press.opened();
  const form = ann.submits(press, { code: codes[0] ?? '' });
  await form.answered(({ content }) => /Redeemed/.test(content));

  const guess = async (code: string) => {
    const given = eve.slash('redeem', { code }, world.discord.dm(eve));
    return (await given.answered(({ thinking }) => !thinking)).content;
  };
  for (let nth = 0; nth < 5; nth += 1) expect(await guess(makeVoucherCode())).toMatch(/don’t know/);
  expect(await guess(codes[1] ?? '')).toMatch(/Too many codes that were no good/);
}, 30_000);

test('one that is pressed on two devices at once is redeemed once', async () => {
  const ann = onTelegram();
  ann.say(`/start redeem_${codes[2]}`);
  ann.say(`/start redeem_${codes[2]}`);
  await ann.sees(/Redeemed/);
  await ann.sees(/You have redeemed this code already/);
  ann.say('/usage');
  expect(textOf(await ann.sees(/Your credit/))).toMatch(/\$1\.00 of \$1\.00 left/);
});

test('a credit that is used up cuts the answer and says so, and the house goes on only with a word', async () => {
  const ann = onTelegram();
  ann.say(`/redeem ${codes[4]}`);
  await ann.sees(/Redeemed/);
  // All but a third of a cent of it is spent.
  await world.database.db.execute(sql`
    update budgets b set granted_micros = 5000 from credits c
    where b.holder_kind = 'credit' and b.holder_id = c.id::text and c.id = (select max(id) from credits)`);
  world.openai.script([
    { text: 'Answer to: the last of it', usage: { input: 300, output: 4_000 }, finish: 'length' },
  ]);
  ann.say('the last of it');
  expect(textOf(await ann.sees(/the last of it/))).toMatch(
    /Cut here: your credit paid for no more\. Say “continue”/,
  );
  expect(await ann.asks('continue')).toContain('From now on the house pays');
  ann.say('/usage');
  expect(textOf(await ann.sees(/Your credit/))).toMatch(/\$0\.0000\d+ of \$1\.00 left/);
}, 30_000);

test('a credit that expires hands over to the house, which says so', async () => {
  const ann = onTelegram();
  ann.say(`/redeem ${codes[3]}`);
  await ann.sees(/Redeemed/);
  expect(await ann.asks('on credit')).not.toContain('From now on');
  await world.database.db.execute(sql`update credits set expires_at = now() - interval '1 second'`);
  expect(await ann.asks('and later')).toContain('From now on the house pays');
  ann.say('/usage');
  expect(textOf(await ann.sees(/This month/))).toMatch(/Your next message is paid by the house/);
}, 30_000);

test('one that has expired, or that another bot made, is told so and gives nothing', async () => {
  await world.database.db.execute(
    sql`update vouchers set expires_at = now() - interval '1 second'`,
  );
  const ann = onTelegram();
  ann.say(`/redeem ${codes[5]}`);
  await ann.sees(/This code has expired/);
  ann.say(`/redeem ${makeVoucherCode()}`);
  await ann.sees(/I don’t know this code\. Was it made for another bot\?/);
  ann.say('/usage');
  expect(textOf(await ann.sees(/This month/))).not.toMatch(/credit/);
}, 30_000);

test('none of this was an error', async () => {
  await waitFor(async () => {
    const open = await world.database.db.execute(
      sql`select from reservations where settled_at is null`,
    );
    return open.length === 0;
  });
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
