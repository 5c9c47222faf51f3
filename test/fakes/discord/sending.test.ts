import { PermissionFlagsBits as Bit } from 'discord.js';
import { Routes } from 'discord-api-types/v10';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type FakeChannel,
  type FakeDiscord,
  type FakeUser,
  usualBotPermissions,
} from '../discord.ts';
import { type Fixture, refusal, simulate } from './harness.ts';

let fixture: Fixture;
let discord: FakeDiscord;
let ann: FakeUser;
let channel: FakeChannel;

beforeEach(async () => {
  fixture = await simulate({ rates: false });
  ({ discord, ann, channel } = fixture);
});

const send = (body: unknown, where = channel, files: { name: string; data: Buffer }[] = []) =>
  fixture.rest.post(Routes.channelMessages(where.id), { body, files });

const last = (where = channel) => {
  const message = discord.messages(where).at(-1);
  if (message === undefined) throw new Error('There is no message');
  return message;
};

const button = { type: 2, style: 1, label: 'a', custom_id: 'a' };
const row = (...components: unknown[]) => ({ type: 1, components });

describe('bodies', () => {
  test('are refused with an error at each place', async () => {
    expect(await refusal(send({ content: 'x'.repeat(2001) }))).toBe(
      '400 50035 Invalid Form Body\ncontent[BASE_TYPE_MAX_LENGTH]: Must be 2000 or fewer in length.',
    );
    await send({ content: '😀'.repeat(1000) });
    const rows = (count: number) =>
      Array.from({ length: count }, (_, at) => row({ ...button, custom_id: `${at}` }));
    const buttons = Array.from({ length: 6 }, (_, at) => ({ ...button, custom_id: `${at}` }));
    const bad: readonly unknown[] = [
      { content: 'a', components: rows(6) },
      { content: 'a', components: [row(...buttons)] },
      { content: 'a', components: [row(button, button)] },
      { content: 'a', components: [row({ ...button, custom_id: 'x'.repeat(101) })] },
      { content: 'a', components: [row({ ...button, label: 'x'.repeat(81) })] },
      { content: 'a', components: [row({ ...button, url: 'https://a.example' })] },
      { content: 'a', components: [row({ type: 2, style: 5, label: 'a', url: 'ftp://a' })] },
      { content: 'a', components: [row()] },
      { content: 'a', components: [{ type: 10, content: 'a' }] },
      { content: 'a', flags: 64 },
      { content: 'a', nonce: 'x'.repeat(26) },
      { content: 'a', allowed_mentions: { parse: ['users'], users: [ann.id] } },
      { content: 'a', allowed_mentions: { parse: ['all'] } },
      { content: 'a', message_reference: { message_id: channel.id } },
      { content: 'a', embeds: [{ colour: 1 }] },
      { content: 'a', reply: 'x' },
      { content: 7 },
    ];
    for (const body of bad) {
      expect(await refusal(send(body)), JSON.stringify(body)).toMatch(/^400 50035/);
    }
    await send({ content: 'a', components: rows(5) });
  });

  test('must say something', async () => {
    const empty = '400 50006 Cannot send an empty message';
    expect(await refusal(send({}))).toBe(empty);
    expect(await refusal(send({ content: ' \n' }))).toBe(empty);
    await send({ content: 'a' });
    const message = Routes.channelMessage(channel.id, last().id);
    expect(await refusal(fixture.rest.patch(message, { body: { content: '' } }))).toBe(empty);
    expect(last().content).toBe('a');
  });

  test('carry files, up to 10 MiB each, that are downloaded for a day', async () => {
    const data = Buffer.from('let x = 1');
    await send({ content: 'a' }, channel, [{ name: 'ä b.ts', data }]);
    const [file] = last().files;
    expect(file?.name).toBe('ä b.ts');
    const get = async () => (await fetch(file?.url ?? '')).status;
    expect(await (await fetch(file?.url ?? '')).text()).toBe('let x = 1');
    const other = (file?.url ?? '').replace(/hm=../, 'hm=zz');
    expect((await fetch(other)).status).toBe(404);
    discord.advance(86_400_000);
    expect(await get()).toBe(404);
    const big = { name: 'big', data: Buffer.alloc(10 * 2 ** 20 + 1) };
    expect(await refusal(send({}, channel, [big]))).toMatch(/^413 40005/);
  });

  test('with the same nonce are one message', async () => {
    const first = await send({ content: 'a', nonce: '1', enforce_nonce: true });
    const again = await send({ content: 'a', nonce: '1', enforce_nonce: true });
    expect(again).toMatchObject({ id: last().id });
    expect(first).toMatchObject({ id: last().id });
    expect(discord.messages(channel)).toHaveLength(1);
    await send({ content: 'a', nonce: '1' });
    expect(discord.messages(channel)).toHaveLength(2);
  });

  test('show links, but not those in code, in brackets or suppressed', async () => {
    const content = 'https://a.example/x <https://b.example> `https://c.example`';
    await send({ content });
    expect(last().previews).toEqual(['https://a.example/x']);
    await send({ content, flags: 4 });
    expect(last().previews).toEqual([]);
  });
});

describe('pings', () => {
  test('reach whom allowed_mentions lets them', async () => {
    const role = discord.addRole(fixture.guild, 'gardeners', [ann]);
    const content = `${ann.mention} <@&${role.id}> @everyone \`<@${fixture.ben.id}>\``;
    await send({ content });
    expect(last().pings).toMatchObject({ users: [ann.id], roles: [role.id], everyone: false });
    discord.setBotPermissions(fixture.guild, usualBotPermissions | Bit.MentionEveryone);
    await send({ content });
    expect(last().pings.everyone).toBe(true);
    await send({ content, allowed_mentions: { parse: [] } });
    expect(last().pings).toEqual({ users: [], roles: [], everyone: false, repliedUser: false });
    const said = ann.says(channel, 'a');
    const message_reference = { message_id: said.id };
    await send({ content: 'b', message_reference });
    expect(last().pings.repliedUser).toBe(true);
    await send({ content: 'b', message_reference, allowed_mentions: { parse: [] } });
    expect(last()).toMatchObject({ replyTo: said.id, pings: { repliedUser: false } });
  });

  test('come of edits too', async () => {
    await send({ content: 'a', allowed_mentions: { parse: [] } });
    const message = Routes.channelMessage(channel.id, last().id);
    await fixture.rest.patch(message, { body: { content: ann.mention } });
    expect(last().pings.users).toEqual([ann.id]);
  });
});

describe('rights', () => {
  const without = (bit: bigint) => discord.setBotPermissions(channel, usualBotPermissions & ~bit);

  test('are needed to see, to send and to attach', async () => {
    without(Bit.AttachFiles);
    const file = { name: 'a', data: Buffer.from('a') };
    expect(await refusal(send({ content: 'a' }, channel, [file]))).toMatch(/^403 50013/);
    await send({ content: 'a' });
    without(Bit.SendMessages);
    expect(await refusal(send({ content: 'a' }))).toBe('403 50013 Missing Permissions');
    without(Bit.ViewChannel);
    expect(await refusal(send({ content: 'a' }))).toBe('403 50001 Missing Access');
    discord.deleteChannel(channel);
    expect(await refusal(send({ content: 'a' }))).toBe('404 10003 Unknown Channel');
  });

  test('of others’ messages are Discord’s', async () => {
    const said = ann.says(channel, 'a');
    const route = Routes.channelMessage(channel.id, said.id);
    expect(await refusal(fixture.rest.patch(route, { body: { content: 'b' } }))).toMatch(/50005/);
    expect(await refusal(fixture.rest.delete(route))).toMatch(/^403 50013/);
    discord.setBotPermissions(channel, usualBotPermissions | Bit.ManageMessages);
    await fixture.rest.delete(route);
    expect(await refusal(fixture.rest.delete(route))).toMatch(/^404 10008/);
    const direct = ann.says(discord.dm(ann), 'a');
    const inDm = Routes.channelMessage(direct.channelId, direct.id);
    expect(await refusal(fixture.rest.delete(inDm))).toMatch(/^403 50003/);
  });

  test('end where somebody blocks the bot', async () => {
    await fixture.rest.post(Routes.userChannels(), { body: { recipient_id: ann.id } });
    ann.blocks();
    expect(await refusal(send({ content: 'a' }, discord.dm(ann)))).toMatch(/^403 50007/);
  });

  test('a thread starts once from a message, and has its id', async () => {
    const said = ann.says(channel, 'a');
    const route = Routes.threads(channel.id, said.id);
    expect(await refusal(fixture.rest.post(route, { body: { name: '' } }))).toMatch(/50035/);
    await fixture.rest.post(route, { body: { name: 'about a' } });
    const [thread] = discord.threads(channel);
    expect(thread).toMatchObject({ id: said.id, kind: 'thread', parentId: channel.id });
    expect(await refusal(fixture.rest.post(route, { body: { name: 'b' } }))).toMatch(/160004/);
    if (thread === undefined) throw new Error('There is no thread');
    await send({ content: 'in the thread' }, thread);
    expect(last(thread).content).toBe('in the thread');
    discord.archiveThread(thread, { locked: true });
    expect(await refusal(send({ content: 'b' }, thread))).toMatch(/^400 50083/);
  });
});
