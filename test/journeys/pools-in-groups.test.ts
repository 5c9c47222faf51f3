/** A pool that is bound to a group pays for people whom the bot has never met, where the house gives nothing. */

import { PermissionFlagsBits } from 'discord-api-types/v10';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createDiscordWorld, type DiscordWorld } from '../support/discord-world.ts';
import { expectSums } from '../support/ledger.ts';
import { asked, botSays, loggedErrors, textOf } from '../support/people.ts';
import { poolPeople } from '../support/pool-people.ts';

let world: DiscordWorld;
let people: ReturnType<typeof poolPeople>;
beforeAll(async () => {
  world = await createDiscordWorld({ env: { FREE_DAILY_MESSAGES: '0' } });
  people = poolPeople(world);
});
afterAll(async () => {
  await expectSums(world.database.db);
  await world.close();
});
afterEach(() => {
  expect(loggedErrors(world)).toEqual([]);
});

const me = () => `@${world.telegram.bot.username}`;

/** A Telegram group with an owner's pool bound to it. */
async function boundGroup(words: string) {
  const boss = await people.owner(words);
  const guest = people.person('Guest');
  const group = world.telegram.group({
    title: 'Class',
    members: [guest.user],
    administrators: [boss.user],
  });
  boss.say(`/pool bind ${boss.name}`, group);
  const bound = textOf(await botSays(world, group, /pays for whoever asks me here/));
  return { boss, guest, group, bound };
}

test('on Telegram the first thing that somebody ever asks is paid by the pool of the group', async () => {
  const { boss, guest, group } = await boundGroup('month=0.20');
  guest.say(`${me()} who are you?`, group);
  await botSays(world, group, /Answer to.*who are you/s);
  expect(people.keyFor('who are you?')).toBe(boss.key);
  // In private nobody pays for them.
  await guest.asks('and here?', /key/i);
  expect(asked(world, 'and here?')).toEqual([]);
  const roster = await boss.asks(`/pool roster ${boss.name}`, /Roster of/);
  expect(textOf(roster)).toMatch(/guest: \$0\.0\d+ of \$0\.20 this month/);
}, 30_000);

test('on Discord it is paid too, by a mention and by a command, in any channel of the server', async () => {
  const [boss, guest, other] = [world.person('boss'), world.person('guest'), world.person('other')];
  const key = await world.bringsKey(boss);
  const dm = world.discord.dm(boss);
  await boss
    .slash('pool', { what: 'new servers month=0.20 total=20' }, dm)
    .answered(({ content }) => /is open/.test(content));
  const channel = world.server([boss, guest, other]);
  const elsewhere = world.discord.addChannel(world.discord.guild(channel.guildId ?? ''), {
    name: 'elsewhere',
  });
  boss.slash('pool', { what: 'bind servers' }, channel);
  await world.sees(guest, channel, /pays for whoever asks me here/);
  guest.says(channel, `${world.discord.botMention} first words`);
  await world.sees(guest, channel, /Answer to.*first words/s);
  other.slash('ask', { prompt: 'second words' }, elsewhere);
  await world.sees(other, elsewhere, /Answer to.*second words/s);
  for (const words of ['first words', 'second words']) expect(people.keyFor(words)).toBe(key);
  guest.says(world.discord.dm(guest), 'words in private');
  await world.sees(guest, world.discord.dm(guest), /key/i);
  expect(asked(world, 'words in private')).toEqual([]);
  expect(world.wrongBodies()).toEqual([]);
}, 30_000);

test('where the owner reads along, people are told when it is bound and with their first answer, and nothing of those who did not agree is there to be read', async () => {
  const { boss, guest, group, bound } = await boundGroup('month=0.20 review=on');
  expect(bound).toMatch(/Its owner can read what those ask who joined it and agreed/);
  guest.say(`${me()} a private matter`, group);
  const first = await botSays(world, group, /Answer to.*a private matter/s);
  expect(textOf(first)).toMatch(/nothing of yours is there for them to read/);
  guest.say(`${me()} another matter`, group);
  const second = await botSays(world, group, /Answer to.*another matter/s);
  expect(textOf(second)).not.toMatch(/for them to read/);
  const roster = textOf(await boss.asks(`/pool roster ${boss.name}`, /Roster of/));
  const number = /• (\d+) guest/.exec(roster)?.[1];
  await boss.asks(`/pool review ${boss.name} ${number}`, /only where the pool said so/);
  // Who is told how, and agrees, is read from then on.
  const shown = await botSays(world, group, /pays for whoever asks me here/);
  const url = world.telegram.buttons(shown)[0]?.url ?? '';
  const token = /pool-([\da-f-]{36})/.exec(url)?.[1] ?? '';
  await people.joins(guest, token, 'I agree, and join');
  guest.say(`${me()} an open matter`, group);
  await botSays(world, group, /Answer to.*an open matter/s);
  await boss.asks(`/pool review ${boss.name} ${number}`, /The last 1 answered/);
  const file = boss.files().at(-1) ?? '';
  expect(file).toContain('an open matter');
  expect(file).not.toMatch(/private matter|another matter/);
}, 30_000);

test('when its owner has left the group, a pool pays there no more, and everybody there is told', async () => {
  const { boss, guest, group } = await boundGroup('month=0.20');
  const [member] = await people.membersOf(boss, 'Member');
  world.telegram.leave(group, boss.user);
  guest.say(`${me()} while leaving`, group);
  await botSays(world, group, /The owner of pool .* is in this chat no more/);
  await boss.sees(/no longer in a group that your pool .* paid for/);
  await botSays(world, group, /Answer to.*while leaving/s);
  guest.say(`${me()} once left`, group);
  await botSays(world, group, /Why is for the person who asked alone/);
  expect(asked(world, 'once left')).toEqual([]);
  // Who joined it is paid by it as before.
  await member?.asks('elsewhere as before', /Answer to.*elsewhere as before/s);
}, 30_000);

test('on Discord too', async () => {
  const [other, boss, guest] = [world.person('other'), world.person('boss'), world.person('guest')];
  const key = await world.bringsKey(boss);
  await boss
    .slash('pool', { what: 'new leaving month=0.20 total=20' }, world.discord.dm(boss))
    .answered(({ content }) => /is open/.test(content));
  const channel = world.server([other, boss, guest]);
  const guild = world.discord.guild(channel.guildId ?? '');
  world.discord.setUserPermissions(guild, boss, PermissionFlagsBits.ManageGuild);
  boss.slash('pool', { what: 'bind leaving' }, channel);
  await world.sees(guest, channel, /pays for whoever asks me here/);
  world.discord.removeMember(guild, boss);
  guest.says(channel, `${world.discord.botMention} on discord while leaving`);
  await world.sees(guest, channel, /The owner of pool .* is in this chat no more/);
  await world.sees(guest, channel, /Answer to.*on discord while leaving/s);
  expect(people.keyFor('on discord while leaving')).toBe(key);
  await world.sees(boss, world.discord.dm(boss), /no longer in a group that your pool/);
  guest.says(channel, `${world.discord.botMention} on discord once left`);
  await world.sees(guest, channel, /a note about this for you alone/);
  expect(asked(world, 'on discord once left')).toEqual([]);
}, 30_000);
