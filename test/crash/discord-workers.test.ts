/** Processes that answer on Discord: killed at the worst moment, and several on one token. */

import { expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import type { FakeDiscord, FakeDiscordOptions } from '../fakes/discord.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { asked } from '../support/people.ts';
import { type LatchkeyProcess, startProcess } from '../support/process.ts';
import { waitFor } from '../support/wait-for.ts';

const MINUTES = 60_000;

interface Processes {
  readonly world: World;
  readonly discord: FakeDiscord;
  startWorker(): Promise<LatchkeyProcess>;
}

/** The bot in this process, and no worker yet. */
async function processes(options: FakeDiscordOptions = { rates: false }): Promise<Processes> {
  const world = await createWorld({ discord: options, env: { FREE_DAILY_MESSAGES: '100' } });
  onTestFinished(() => world.close());
  const { discord } = world;
  if (discord === undefined) throw new Error('no Discord');
  await world.start({ ROLE: 'bot' });
  return {
    world,
    discord,
    async startWorker() {
      const started = await startProcess({
        env: { ...world.env, ROLE: 'worker', OPENAI_BASE_URL: world.openai.url },
      });
      onTestFinished(() => started.kill());
      return started;
    },
  };
}

test.each([
  ['for one person alone in a server', true],
  ['in a server that has not the bot', false],
] as const)(
  'an answer %s, whose worker dies before the 15 minutes are over, is offered after them',
  async (_, hasBot) => {
    const { world, discord, startWorker } = await processes();
    const ann = discord.addUser({ name: 'ann', installed: true });
    const guild = discord.addGuild({ name: 'Garden', members: [ann], hasBot });
    const channel = discord.addChannel(guild, { name: 'general' });
    world.openai.script(() => ({ text: 'slowly about quince '.repeat(40), hangAfter: 30 }));
    const worker = await startWorker();
    const asking = ann.slash('ask', { prompt: 'tell me of quince', private: true }, channel);
    await discord.waitFor(
      () => asking.messages.some(({ content }) => /about quince/.test(content)),
      {
        timeoutMs: 10_000,
      },
    );
    await worker.kill();
    discord.advance(16 * MINUTES);
    await startWorker();
    const dm = discord.dm(ann);
    const inDm = (what: RegExp) =>
      discord.waitFor(() => discord.messages(dm).find(({ content }) => what.test(content)), {
        timeoutMs: 15_000,
      });
    const offer = await inDm(/It is kept for you/);
    ann.presses(offer, 'Continue');
    const rest = await inDm(/about quince/);
    // Nobody but a press has the right to change it by now.
    const half = asking.messages.find(({ content }) => /about quince/.test(content));
    if (half === undefined) throw new Error('no half answer');
    ann.presses(half, 'Stop');
    await discord.waitFor(() => discord.message(half.id)?.buttons.length === 0);
    expect(discord.message(half.id)?.content).toBe(half.content);
    expect(rest.content).toMatch(/restart|interrupted|broke/i);
    expect(asked(world, 'tell me of quince')).toHaveLength(1);
    await waitFor(async () => {
      const [row] = await world.database.db.execute(sql`select status, outcome from turns`);
      return row?.status === 'done' && row.outcome === 'interrupted';
    });
  },
  60_000,
);

test('half an answer in a thread of its own, whose worker died, loses its button to stop it', async () => {
  const { world, discord, startWorker } = await processes();
  const ann = discord.addUser({ name: 'ann' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann] });
  const channel = discord.addChannel(guild, { name: 'general' });
  await world.database.db.execute(sql`
    insert into chat_settings (platform, whole_id, answers_in)
    values ('discord', ${guild.id}, 'threads')`);
  world.openai.script(() => ({ text: 'slowly about quince '.repeat(40), hangAfter: 30 }));
  const worker = await startWorker();
  ann.says(channel, `${discord.botMention} tell me of quince`);
  const said = () =>
    [channel, ...discord.threads(channel)].flatMap((place) =>
      discord.messages(place).filter(({ fromBot }) => fromBot),
    );
  const buttons = () => said().flatMap((message) => message.buttons.map(({ label }) => label));
  await discord.waitFor(() => said().some(({ content }) => /about quince/.test(content)), {
    timeoutMs: 10_000,
  });
  expect(buttons()).toEqual(['Stop']);
  await worker.kill();
  await startWorker();
  await discord.waitFor(() => said().some(({ content }) => /interrupted/.test(content)), {
    timeoutMs: 20_000,
  });
  expect(buttons()).toEqual(['New conversation']);
}, 60_000);

test('what stood for an answer says that there is none, where the next worker may not ask', async () => {
  const { world, discord, startWorker } = await processes();
  const ann = discord.addUser({ name: 'ann' });
  const guild = discord.addGuild({ name: 'Garden', members: [ann] });
  const channel = discord.addChannel(guild, { name: 'general' });
  world.openai.script(() => ({ hang: true }));
  const worker = await startWorker();
  ann.says(channel, `${discord.botMention} tell me of quince`);
  const said = () => discord.messages(channel).filter(({ fromBot }) => fromBot);
  await discord.waitFor(() => said()[0]?.content.includes('Thinking'), { timeoutMs: 10_000 });
  await worker.kill();
  await world.database.db.execute(sql`
    update budgets set turns = 1000 where holder_kind = 'user' and period = 'day'`);
  await startWorker();
  await discord.waitFor(() => said().some(({ content }) => /could not answer/.test(content)), {
    timeoutMs: 20_000,
  });
  expect(said().map(({ buttons }) => buttons.map(({ label }) => label))).toEqual([['Details']]);
}, 60_000);

test('two workers on one token keep to Discord’s limits, and neither connects to the gateway', async () => {
  const { world, discord, startWorker } = await processes({});
  const people = Array.from({ length: 24 }, (_, i) => discord.addUser({ name: `person${i}` }));
  const guild = discord.addGuild({ name: 'Garden', members: people });
  const channels = [0, 1, 2, 3].map((i) => discord.addChannel(guild, { name: `channel${i}` }));
  world.openai.script((question) => ({
    text: `${/word\d+/.exec(question)?.[0]} ${'and so on '.repeat(40)}END`,
    chunkDelayMs: 20,
  }));
  await Promise.all([startWorker(), startWorker()]);
  expect(discord.gateway.identifies).toBe(1);
  const waiting = people.map((person, i) => {
    const channel = i % 2 === 0 ? discord.dm(person) : channels[Math.floor(i / 2) % 4];
    if (channel === undefined) throw new Error('no channel');
    person.says(channel, `${discord.botMention} word${i}`);
    return { channel, word: new RegExp(`word${i} [^]*END`) };
  });
  const whole = () =>
    waiting.filter(({ channel, word }) =>
      discord.messages(channel).some(({ fromBot, content }) => fromBot && word.test(content)),
    ).length;
  await waitFor(() => whole() === waiting.length, { timeoutMs: 60_000, what: 'all answers' });
  for (const { channel, word } of waiting) {
    const said = discord.messages(channel).filter((m) => m.fromBot && word.test(m.content));
    expect(said).toHaveLength(1);
  }
  const limited = discord.calls.filter(({ status }) => status === 429);
  expect(limited.length).toBeLessThan(discord.calls.length / 20);
  expect(discord.gateway.identifies).toBe(1);
}, 120_000);
