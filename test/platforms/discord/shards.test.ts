/** Many servers come over several connections, which break and come back each for itself. */

import { expect, test } from 'vitest';
import type { RecentChat } from '../../../src/chat/recent-chats.ts';
import type { FakeChannel, FakeDiscord, FakeUser } from '../../fakes/discord.ts';
import { waitFor } from '../../support/wait-for.ts';
import { receiving, simulator } from './receiving.ts';

/** As long as a new session may take, with Discord's five seconds between two of them. */
const SESSION = { timeoutMs: 20_000 };

/** A channel of a server that Discord puts on this shard: it goes by the millisecond of its making. */
function channelOnShard(
  discord: FakeDiscord,
  members: readonly FakeUser[],
  shard: { readonly id: number; readonly count: number },
): FakeChannel {
  for (;;) {
    const guild = discord.addGuild({ name: `of shard ${shard.id}`, members });
    if (Number((BigInt(guild.id) >> 22n) % BigInt(shard.count)) === shard.id) {
      return discord.addChannel(guild, { name: 'general' });
    }
    discord.advance(1);
  }
}

async function servers(count: number, maxConcurrency?: number) {
  const discord = await simulator({
    shards: count,
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
  });
  const ann = discord.addUser({ name: 'ann' });
  const channels = Array.from({ length: count }, (_, id) =>
    channelOnShard(discord, [ann], { id, count }),
  );
  return { discord, ann, channels, dm: discord.dm(ann) };
}

/** What of Discord each event came by. */
const texts = (bot: ReturnType<typeof receiving>) => bot.messages().map(({ text }) => text);

test.each([2, 3])(
  'of %i connections each brings its servers, and the first private messages',
  async (count) => {
    const { discord, ann, channels, dm } = await servers(count, count);
    const bot = receiving(discord);
    await bot.start();
    expect(discord.gateway.shards).toEqual(Array.from({ length: count }, (_, id) => id));
    expect(discord.gateway).toMatchObject({ identifies: count, hastyIdentifies: 0 });
    const said = [...channels, dm].map((channel) => {
      const text = `in ${channel.kind} ${channel.id}`;
      ann.says(channel, `${discord.botMention} ${text}`);
      return text;
    });
    await discord.waitFor(() => texts(bot).length === said.length);
    expect(texts(bot).toSorted()).toEqual(said.toSorted());
    expect(bot.platform.receiver.state()).toEqual({ ok: true });
  },
);

test('one connection that breaks is resumed while the others go on, and readiness says so', async () => {
  const { discord, ann, channels, dm } = await servers(2, 2);
  const [onFirst, onSecond] = channels;
  if (onFirst === undefined || onSecond === undefined) throw new Error('no channel');
  const bot = receiving(discord);
  await bot.start();
  discord.gateway.refuse();
  discord.gateway.drop(1);
  await discord.waitFor(() => !bot.platform.receiver.state().ok);
  expect(bot.platform.receiver.state()).toEqual({
    ok: false,
    detail: '1 of 2 connections are open',
  });
  ann.says(onSecond, `${discord.botMention} while it was broken`);
  ann.says(onFirst, `${discord.botMention} by the other`);
  ann.says(dm, 'in private');
  await discord.waitFor(() => texts(bot).length === 2);
  expect(texts(bot).toSorted()).toEqual(['by the other', 'in private']);
  discord.gateway.open();
  await discord.waitFor(() => texts(bot).length === 3, SESSION);
  expect(texts(bot)[2]).toBe('while it was broken');
  await discord.waitFor(() => bot.platform.receiver.state().ok);
  expect(discord.gateway).toMatchObject({ identifies: 2, resumes: 1 });
});

test('a new session looks for what was missed in its own servers alone', async () => {
  const { discord, ann, channels, dm } = await servers(2, 2);
  const [onFirst, onSecond] = channels;
  if (onFirst === undefined || onSecond === undefined) throw new Error('no channel');
  const recent = [onFirst, onSecond, dm].map(
    (channel): RecentChat => ({
      since: new Date(Date.now() - 60_000),
      chat: {
        platform: 'discord',
        chatId: channel.id,
        kind: channel.kind === 'dm' ? 'direct' : 'group',
        ...(channel.guildId === undefined ? {} : { wholeId: channel.guildId }),
      },
    }),
  );
  const bot = receiving(discord, { recentChats: async () => recent });
  await bot.start();
  const read = () =>
    discord.calls
      .filter(({ route }) => route === 'GET /channels/:channel/messages')
      .map(({ path }) => path.split('/')[2]);
  await discord.waitFor(() => read().length === 3);
  discord.gateway.refuse();
  discord.gateway.endSession(1);
  ann.says(onSecond, `${discord.botMention} while nobody heard`);
  discord.gateway.open();
  await discord.waitFor(() => texts(bot).length === 1, SESSION);
  expect(texts(bot)).toEqual(['while nobody heard']);
  await waitFor(() => bot.platform.receiver.state().ok);
  expect(read().toSorted()).toEqual([onFirst.id, onSecond.id, onSecond.id, dm.id].toSorted());
});

test('no more sessions begin at a time than Discord allows, however long the start takes', async () => {
  const { discord, ann, channels } = await servers(2, 1);
  // Less than the five seconds between the two.
  const bot = receiving(discord, { receiving: { startPatienceMs: 1_000 } });
  const started = bot.start();
  await discord.waitFor(() => discord.gateway.shards.length === 1);
  await discord.waitFor(() => bot.platform.receiver.state().detail !== 'not connected');
  expect(bot.platform.receiver.state().detail).toBe('1 of 2 connections are open');
  await started;
  expect(discord.gateway).toMatchObject({ identifies: 2, hastyIdentifies: 0, shards: [0, 1] });
  for (const channel of channels) ann.says(channel, `${discord.botMention} hello`);
  await discord.waitFor(() => texts(bot).length === 2);
}, 20_000);

test('when Discord ends it for having too few connections, it begins anew with as many as are advised by then', async () => {
  const { discord, ann, channels } = await servers(1);
  const bot = receiving(discord);
  await bot.start();
  discord.gateway.advise(2);
  discord.gateway.closeWith(4011, 'Sharding required.');
  await discord.waitFor(() => discord.gateway.shards.length === 2, SESSION);
  await discord.waitFor(() => bot.platform.receiver.state().ok);
  const [channel] = channels;
  if (channel === undefined) throw new Error('no channel');
  ann.says(channel, `${discord.botMention} still there?`);
  ann.says(discord.dm(ann), 'and in private?');
  await discord.waitFor(() => texts(bot).length === 2);
});
