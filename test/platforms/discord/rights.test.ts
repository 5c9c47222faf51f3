/** Who may manage a server, as Discord says it. */

import { PermissionFlagsBits as Bit } from 'discord-api-types/v10';
import { expect, onTestFinished, test } from 'vitest';
import type { ChatAddress } from '../../../src/chat/message.ts';
import { PlatformError } from '../../../src/chat/platform.ts';
import { createRest } from '../../../src/platforms/discord/rest.ts';
import { createDiscordRights } from '../../../src/platforms/discord/rights.ts';
import { Secret } from '../../../src/secret.ts';
import { type FakeUser, startFakeDiscord } from '../../fakes/discord.ts';

async function garden() {
  const discord = await startFakeDiscord({ rates: false });
  onTestFinished(() => discord.close());
  const [owner, ann] = [discord.addUser({ name: 'owner' }), discord.addUser({ name: 'ann' })];
  const guild = discord.addGuild({ name: 'Garden', owner, members: [ann] });
  const channel = discord.addChannel(guild, { name: 'general' });
  const rest = createRest({ token: new Secret(discord.token), apiRoot: discord.apiRoot });
  const rights = createDiscordRights({ rest: rest.bot });
  const here: ChatAddress = {
    platform: 'discord',
    chatId: channel.id,
    kind: 'group',
    wholeId: guild.id,
  };
  const may = (who: FakeUser, chat: ChatAddress = here) => rights.mayManage(chat, who.id);
  return { discord, owner, ann, guild, here, rights, may };
}

test('the owner may, and a member without a role may not', async () => {
  const { owner, ann, may } = await garden();
  expect([await may(owner), await may(ann)]).toEqual([true, false]);
});

test.each([
  ['Manage Server', Bit.ManageGuild, true],
  ['Administrator', Bit.Administrator, true],
  ['all that is said, and nothing of the server', Bit.ManageMessages | Bit.ManageChannels, false],
])('a role with %s: %s', async (_, permissions, expected) => {
  const { discord, ann, guild, may } = await garden();
  discord.setUserPermissions(guild, ann, permissions);
  expect(await may(ann)).toBe(expected);
});

test('who has left the server is not there', async () => {
  const { discord, ann, guild, here, rights } = await garden();
  expect(await rights.isThere(here, ann.id)).toBe(true);
  discord.removeMember(guild, ann);
  expect(await rights.isThere(here, ann.id)).toBe(false);
});

test('a role of somebody else gives nothing', async () => {
  const { discord, ann, guild, may } = await garden();
  const bob = discord.addUser({ name: 'bob' });
  discord.addMember(guild, bob);
  discord.setUserPermissions(guild, bob, Bit.ManageGuild);
  expect([await may(bob), await may(ann)]).toEqual([true, false]);
});

test('what everybody may, every member may, and nobody else', async () => {
  const { discord, ann, guild, may } = await garden();
  discord.setEverybodysPermissions(guild, Bit.ManageGuild);
  const stranger = discord.addUser({ name: 'stranger' });
  expect([await may(ann), await may(stranger)]).toEqual([true, false]);
});

test('where the bot is not, and in direct chats, nobody may', async () => {
  const { discord, owner, guild, here, may } = await garden();
  const { wholeId: _, ...elsewhere } = here;
  expect(await may(owner, elsewhere)).toBe(false);
  expect(await may(owner, { ...here, kind: 'direct' })).toBe(false);
  expect(discord.calls).toEqual([]);
  discord.removeBot(guild);
  expect(await may(owner)).toBe(false);
});

test('while Discord fails nobody is taken for a manager, nor for anybody else', async () => {
  const { discord, owner, may } = await garden();
  for (const fault of [{ status: 503 }, { dropBefore: true }, { retryAfter: 3 }]) {
    discord.fail({ route: 'GET /guilds/:guild', ...fault });
    const failure: unknown = await may(owner).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PlatformError);
    expect(failure).toMatchObject({ retryable: true });
    discord.clearFaults();
  }
});

test('an answer of another shape makes nobody a manager', async () => {
  const { discord, owner, may } = await garden();
  discord.fail({ route: 'GET /guilds/:guild', status: 200 });
  await expect(may(owner)).rejects.toBeInstanceOf(PlatformError);
});
