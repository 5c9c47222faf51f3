/** /redeem on Discord: as an option, by the form, and across linked accounts. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeVoucherCode } from '../../src/funding/voucher-codes.ts';
import type { FakeUser } from '../fakes/discord.ts';
import { runAdmin } from '../support/admin.ts';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { expectSums } from '../support/ledger.ts';
import { botSays, loggedErrors, textOf } from '../support/people.ts';

let world: DiscordWorld;
let codes: readonly string[];
beforeAll(async () => {
  world = await createDiscordWorld({ env: { FREE_DAILY_MESSAGES: '1' } });
  const out = await runAdmin(
    world,
    ...['voucher', 'create', '--name', 'class', '--usd', '1', '--expires', '2035-12-31'],
    ...['--count', '3'],
  );
  codes = [...out.matchAll(/^((?:[A-Z0-9]{6}-?){3})/gm)].map(([, code = '']) => code);
}, 60_000);
afterAll(() => world.close());

const codeOf = (nth: number) => codes[nth] ?? '';

async function runs(who: FakeUser, name: string, options: Readonly<Record<string, string>> = {}) {
  const given = who.slash(name, options, world.discord.dm(who));
  return given.answered(({ thinking }) => !thinking);
}

test('a code given with the command, or into its form, becomes a credit', async () => {
  const [ann, bob] = [world.person('ann'), world.person('bob')];
  expect((await runs(ann, 'redeem', { code: codeOf(0) })).content).toMatch(
    /Redeemed: you have a credit of \*\*\$1\.00\*\*/,
  );
  const opening = bob.slash('redeem', {}, world.discord.dm(bob));
  await opening.opened();
  const wrong = bob.submits(opening, { code: makeVoucherCode() });
  await wrong.answered(({ content }) => /I don’t know this code/.test(content));
  const again = bob.slash('redeem', {}, world.discord.dm(bob));
  await again.opened();
  const form = bob.submits(again, { code: ` ${codeOf(1).toLowerCase()} ` });
  const told = await form.answered(({ content }) => /Redeemed/.test(content));
  expect(told.ephemeral).toBe(true);
  bob.says(world.discord.dm(bob), 'what is quince?');
  await world.sees(bob, world.discord.dm(bob), /Answer to:.*quince/s);
  expect((await runs(bob, 'usage')).content).toMatch(/\$0\.99\d* of \$1\.00 left/);
}, 30_000);

test('a code is no business of a server: the command is not there', () => {
  const ann = world.person('ann');
  const channel = world.server([ann]);
  expect(() => ann.slash('redeem', {}, channel)).toThrow(/not offered/);
});

test('a credit follows the account that redeemed it, when accounts are linked and separated', async () => {
  const ann = world.person('ann');
  const dm = world.discord.dm(ann);
  const user = world.telegram.addUser({ first_name: 'Ann' });
  const chat = world.telegram.privateChat(user);
  const say = (text: string) => world.telegram.say(chat, user, text);
  const sees = (what: RegExp) => botSays(world, chat, what);
  await runs(ann, 'redeem', { code: codeOf(2) });
  say('/link');
  const code = /\/link ([A-Z0-9-]{9})/.exec(textOf(await sees(/\/link [A-Z0-9-]{9}/)))?.[1] ?? '';
  const question = await runs(ann, 'link', { code });
  ann.presses(question, 'Join Discord and Telegram');
  await world.sees(ann, dm, /Joined with your account on Telegram/);
  say('on the credit from discord');
  await sees(/Answer to:.*on the credit from discord/s);
  say('/usage');
  expect(textOf(await sees(/Your credit/))).toMatch(/paid by your credit/);
  // Both are one person: neither redeems another of its kind.
  say(`/redeem ${codeOf(0)}`);
  await sees(/everybody may redeem one of them/);
  const separate = await runs(ann, 'unlink');
  ann.presses(separate, separate.buttons[0]?.label ?? '');
  await sees(/separated/i);
  expect((await runs(ann, 'usage')).content).toMatch(/\$0\.99\d* of \$1\.00 left/);
  say('on my own again');
  await sees(/Answer to:.*on my own again/s);
  const [last] = await world.database.db.execute(
    'select funding from turns order by id desc limit 1',
  );
  expect(last).toEqual({ funding: 'house' });
  await expectSums(world.database.db);
}, 30_000);

test('none of this was an error', () => {
  expect([...loggedErrors(world), ...world.wrongBodies()]).toEqual([]);
});
