/** Discord in the whole of Latchkey: which process does what, with and without Telegram beside it. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeDiscord, type FakeUser, startFakeDiscord } from '../fakes/discord.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { madeKey } from '../support/people.ts';

let discord: FakeDiscord;
let world: World;
let ann: FakeUser;

beforeAll(async () => {
  discord = await startFakeDiscord();
  ann = discord.addUser({ name: 'ann' });
  world = await createWorld({
    env: {
      TELEGRAM_BOT_TOKEN: '',
      DISCORD_BOT_TOKEN: discord.token,
      DISCORD_API_ROOT: discord.apiRoot,
    },
  });
});
afterAll(async () => {
  await world.close();
  await discord.close();
});

const answered = (question: string) => {
  const said = ann.says(discord.dm(ann), question);
  return discord.waitFor(
    () =>
      discord
        .messages(discord.dm(ann))
        .find(
          ({ id, fromBot, content }) => fromBot && BigInt(id) > BigInt(said.id) && content !== '',
        ),
    { timeoutMs: 15_000 },
  );
};

describe('Discord alone', () => {
  test('is answered by one process that does all, and takes a key by the form', async () => {
    const app = await world.start();
    await answered('hello again');
    const key = madeKey();
    const opened = ann.slash('setkey', {}, discord.dm(ann));
    await opened.opened();
    const submitted = ann.submits(opened, { key });
    const told = await submitted.answered(({ content }) => content !== '');
    expect(told.ephemeral).toBe(true);
    expect(JSON.stringify(world.logged)).not.toContain(key);
    expect(JSON.stringify(world.logged)).not.toContain(discord.token);
    await app.stop();
  });

  test('is answered by a bot and a worker, of which the bot alone has a connection', async () => {
    const before = discord.gateway.identifies;
    const worker = await world.start({ ROLE: 'worker' });
    expect(discord.gateway.identifies).toBe(before);
    const bot = await world.start({ ROLE: 'bot' });
    expect(discord.gateway.connections).toBe(1);
    expect(discord.commands.map(({ name }) => name)).toContain('ask');
    await answered('hello, both');
    for (const { httpPort } of [worker, bot]) {
      const ready = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
      expect(ready.status).toBe(200);
    }
    await bot.stop();
    await worker.stop();
    expect(discord.gateway.connections).toBe(0);
  });
});
