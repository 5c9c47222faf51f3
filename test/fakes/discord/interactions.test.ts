import { Routes } from 'discord-api-types/v10';
import { beforeEach, expect, test } from 'vitest';
import type { FakeChannel, FakeDiscord, FakeUser, SeenInteraction } from '../discord.ts';
import { COMMANDS, type Fixture, refusal, simulate } from './harness.ts';

let fixture: Fixture;
let discord: FakeDiscord;
let ann: FakeUser;
let channel: FakeChannel;

beforeEach(async () => {
  // The real client would wait for the rates by its own clock.
  fixture = await simulate({ rates: false });
  ({ discord, ann, channel } = fixture);
  await fixture.rest.put(Routes.applicationCommands(discord.applicationId), { body: COMMANDS });
});

const ask = (where = channel) => ann.slash('ask', { prompt: 'a' }, where);

const callback = ({ id, token }: SeenInteraction, body: unknown) =>
  fixture.rest.post(Routes.interactionCallback(id, token), { body, auth: false });

const original = ({ token }: SeenInteraction, body: unknown) =>
  fixture.rest.patch(Routes.webhookMessage(discord.applicationId, token, '@original'), {
    body,
    auth: false,
  });

const followUp = ({ token }: SeenInteraction, body: unknown) =>
  fixture.rest.post(Routes.webhook(discord.applicationId, token), { body, auth: false });

test('after three seconds an interaction is unknown', async () => {
  const asked = ask();
  discord.advance(3_001);
  expect(asked.failed).toBe(true);
  expect(await refusal(callback(asked, { type: 5 }))).toBe('404 10062 Unknown interaction');
});

test('an interaction is acknowledged once', async () => {
  const asked = ask();
  await callback(asked, { type: 5 });
  expect(await refusal(callback(asked, { type: 5 }))).toBe(
    '400 40060 Interaction has already been acknowledged.',
  );
  expect(asked.original).toMatchObject({ thinking: true, content: '' });
});

test('before it nothing can be said, and 15 minutes later nothing any more', async () => {
  const asked = ask();
  expect(await refusal(original(asked, { content: 'a' }))).toBe('404 10015 Unknown Webhook');
  await callback(asked, { type: 5 });
  await original(asked, { content: 'a' });
  discord.advance(15 * 60_000);
  expect(await refusal(original(asked, { content: 'b' }))).toBe('401 50027 Invalid Webhook Token');
  expect(asked.original?.content).toBe('a');
  const message = Routes.channelMessage(channel.id, asked.original?.id ?? '');
  await fixture.rest.patch(message, { body: { content: 'by the token of the bot' } });
  expect(asked.original?.content).toBe('by the token of the bot');
});

test('the first follow-up takes the place of “is thinking”, and stays as private as it was', async () => {
  const asked = ask();
  await callback(asked, { type: 5, data: { flags: 64 } });
  await followUp(asked, { content: 'a' });
  await followUp(asked, { content: 'b' });
  expect(asked.messages).toMatchObject([
    { content: 'a', ephemeral: true, thinking: false, edited: false },
    { content: 'b', ephemeral: false },
  ]);
});

test('an ephemeral answer is found by its token alone', async () => {
  const asked = ask();
  await callback(asked, { type: 4, data: { content: 'a', flags: 64 } });
  const message = Routes.channelMessage(channel.id, asked.original?.id ?? '');
  expect(await refusal(fixture.rest.patch(message, { body: { content: 'b' } }))).toBe(
    '404 10008 Unknown Message',
  );
  await original(asked, { content: 'c' });
  expect(asked.original).toMatchObject({ content: 'c', ephemeral: true, history: ['a'] });
  expect(asked.edits).toBe(1);
});

test('where the app is the user’s own it has five follow-ups', async () => {
  const elsewhere = discord.addGuild({ name: 'Elsewhere', members: [ann], hasBot: false });
  const there = discord.addChannel(elsewhere, { name: 'there' });
  expect(() => ask(there)).toThrow('is not offered ask there');
  ann.installs();
  const asked = ask(there);
  await callback(asked, { type: 4, data: { content: 'a' } });
  for (const content of ['1', '2', '3', '4', '5']) await followUp(asked, { content });
  expect(await refusal(followUp(asked, { content: '6' }))).toMatch(/^400 40094/);
  expect(asked.followUps).toHaveLength(5);
  const sent = Routes.channelMessages(there.id);
  expect(await refusal(fixture.rest.post(sent, { body: { content: 'a' } }))).toBe(
    '403 50001 Missing Access',
  );
});

test('a server that forbids external apps makes their answers ephemeral', async () => {
  const strict = discord.addGuild({
    name: 'Strict',
    members: [discord.addUser({ name: 'owner' }), ann],
    hasBot: false,
    externalApps: false,
  });
  ann.installs();
  const asked = ask(discord.addChannel(strict, { name: 'there' }));
  await callback(asked, { type: 4, data: { content: 'a' } });
  expect(asked.original?.ephemeral).toBe(true);
});

test('a response must fit its interaction and be well formed', async () => {
  const choices = Array.from({ length: 26 }, (_, at) => ({ name: `${at}`, value: `${at}` }));
  const typed = ann.autocompletes('model', 'name', 'x'.repeat(6000), channel);
  expect(await refusal(callback(typed, { type: 8, data: { choices } }))).toContain(
    'Must be 25 or fewer',
  );
  const long = [{ name: 'x'.repeat(101), value: 'x' }];
  expect(await refusal(callback(typed, { type: 8, data: { choices: long } }))).toContain(
    'choices[0].name',
  );
  expect(await refusal(callback(typed, { type: 5 }))).toContain('does not fit');
  await callback(typed, { type: 8, data: { choices: [] } });
  const asked = ask();
  const input = { type: 4, custom_id: 'a', style: 1 };
  const title = 'x'.repeat(46);
  const components = [{ type: 18, label: 'Key', component: input }];
  const modal = { custom_id: 'm', title, components };
  expect(await refusal(callback(asked, { type: 9, data: modal }))).toContain('Must be 45 or fewer');
  const row = { ...modal, title: 'a', components: [{ type: 1, components: [input] }] };
  expect(await refusal(callback(asked, { type: 9, data: row }))).toMatch(/^400 50035/);
  expect(await refusal(callback(asked, { type: 6 }))).toContain('does not fit');
  expect(await refusal(callback(asked, { type: 4, data: { content: 'a', colour: 1 } }))).toContain(
    'takes no colour',
  );
  await callback(asked, { type: 9, data: { ...modal, title: 'a' } });
  const submitted = ann.submits(asked, { a: 'x' });
  expect(await refusal(callback(submitted, { type: 9, data: modal }))).toMatch(/^400 50035/);
});

test('commands are refused that Discord would refuse', async () => {
  const put = (body: unknown) =>
    fixture.rest.put(Routes.applicationCommands(discord.applicationId), { body });
  const ok = { name: 'ask', description: 'a' };
  const string = { type: 3, name: 'a', description: 'a' };
  const bad: readonly unknown[] = [
    { ...ok, name: 'Ask' },
    { ...ok, name: 'x'.repeat(33) },
    { ...ok, description: '' },
    { ...ok, description: 'x'.repeat(101) },
    { ...ok, contexts: [3] },
    { ...ok, integration_types: [] },
    { ...ok, options: [string, { ...string, name: 'b', required: true }] },
    { ...ok, options: [string, string] },
    { ...ok, options: [{ ...string, max_length: 6001 }] },
    { ...ok, options: [{ ...string, autocomplete: true, choices: [{ name: 'a', value: 'a' }] }] },
    { ...ok, type: 3, name: 'Explain' },
    { ...ok, permissions: [] },
  ];
  for (const command of bad) expect(await refusal(put([command]))).toMatch(/^400 50035/);
  expect(await refusal(put([ok, ok]))).toContain('must be unique');
  const [before] = discord.commands;
  await put(COMMANDS);
  expect(discord.commands[0]?.id).toBe(before?.id);
});

test('a wrong body is refused wherever it is sent to', async () => {
  const asked = ask();
  await callback(asked, { type: 5 });
  await original(asked, { content: 'a' });
  const message = discord.messages(channel).at(-1)?.id ?? '';
  const button = { type: 2, style: 1, label: 'a', custom_id: 'a' };
  const edit = (body: unknown) =>
    fixture.rest.patch(Routes.channelMessage(channel.id, message), { body });
  const thread = (body: unknown) =>
    fixture.rest.post(Routes.threads(channel.id, message), { body });
  const direct = (body: unknown) => fixture.rest.post(Routes.userChannels(), { body });
  const bad: readonly (() => Promise<unknown>)[] = [
    () => edit({ contents: 'a' }),
    () => edit({ content: 'a', nonce: '1' }),
    () => followUp(asked, { content: 'a', nonce: '1' }),
    () => followUp(asked, { content: 'a', components: [button] }),
    () => original(asked, { content: ['a'] }),
    () => original(asked, { content: 'a', message_reference: { message_id: message } }),
    () => original(asked, { content: 'a', allowed_mentions: { parse: ['nobody'] } }),
    () => thread({ name: '' }),
    () => thread({ name: 'a', colour: 1 }),
    () => direct({ recipient: ann.id }),
  ];
  for (const send of bad) expect(await refusal(send()), String(send)).toMatch(/^400 50035/);
});
