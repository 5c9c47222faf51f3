import { Events, GatewayIntentBits as Intent } from 'discord.js';
import { expect, test } from 'vitest';
import { simulate, USUAL_INTENTS } from './harness.ts';

test('the intent lets the client read what is said in channels', async () => {
  const { discord, ann, channel, login } = await simulate({ messageContent: true });
  const client = await login([...USUAL_INTENTS, Intent.MessageContent]);
  const heard: string[] = [];
  client.on(Events.MessageCreate, ({ content }) => heard.push(content));
  ann.says(channel, 'in the open');
  await discord.waitFor(() => heard.length === 1);
  expect(heard).toEqual(['in the open']);
});

test('who asks for no direct messages hears none, and of private threads only its own', async () => {
  const { discord, ann, guild, channel, login } = await simulate();
  await login([Intent.Guilds, Intent.GuildMessages]);
  ann.says(discord.dm(ann), 'direct');
  const others = discord.addThread(channel, { name: 'others', isPrivate: true, hasBot: false });
  ann.says(others, 'private');
  const own = discord.addThread(channel, { name: 'own', isPrivate: true });
  ann.says(own, 'ours');
  discord.setBotPermissions(channel, 0n);
  ann.says(channel, 'unseen');
  discord.deleteChannel(channel);
  expect(discord.gateway.events.map(({ type }) => type)).toEqual([
    'READY',
    'GUILD_CREATE',
    'THREAD_CREATE',
    'MESSAGE_CREATE',
    'CHANNEL_UPDATE',
    'CHANNEL_DELETE',
  ]);
  expect(guild.name).toBe('Garden');
});

test('a closed connection is resumed, and one that nobody answers is left', async () => {
  const { discord, login } = await simulate({ heartbeatMs: 200 });
  await login();
  discord.gateway.closeWith(4000);
  await discord.waitFor(() => discord.gateway.resumes === 1);
  const before = discord.gateway.heartbeats;
  await discord.waitFor(() => discord.gateway.heartbeats > before + 2);
  discord.gateway.ignoreHeartbeats(true);
  await discord.waitFor(() => discord.gateway.resumes === 2);
  discord.gateway.ignoreHeartbeats(false);
  expect(discord.gateway.identifies).toBe(1);
});

test('a gateway that is away comes back, and the client with it', async () => {
  const { discord, ann, login } = await simulate();
  const client = await login();
  const heard: string[] = [];
  client.on(Events.MessageCreate, ({ content }) => heard.push(content));
  client.on(Events.Error, () => {});
  discord.gateway.shut();
  ann.says(discord.dm(ann), 'meanwhile');
  expect(discord.gateway.connections).toBe(0);
  discord.gateway.open();
  await discord.waitFor(() => heard.length === 1, { timeoutMs: 15_000 });
  // discord.js passes over a message that it remembers.
  discord.gateway.repeat('MESSAGE_CREATE');
  ann.says(discord.dm(ann), 'next');
  await discord.waitFor(() => heard.length === 2);
  expect(heard).toEqual(['meanwhile', 'next']);
});

test('a session whose token is no longer good ends', async () => {
  const { discord, login } = await simulate();
  const client = await login();
  const closed = new Promise((resolve) => client.once(Events.ShardDisconnect, resolve));
  const failed = new Promise((resolve) => client.once(Events.Error, resolve));
  discord.gateway.closeWith(4004, 'Authentication failed.');
  await Promise.race([closed, failed]);
  expect(discord.gateway.connections).toBe(0);
});
