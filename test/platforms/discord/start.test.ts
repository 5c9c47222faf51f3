/** Whatever keeps Discord from being received is one sentence that says what to do. */

import { createServer, type Server } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../src/db/embedded/free-port.ts';
import { Secret } from '../../../src/secret.ts';
import { StartError } from '../../../src/start-error.ts';
import { receiving, simulator } from './receiving.ts';

async function refusal(start: Promise<void>): Promise<string> {
  try {
    await start;
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  return '';
}

test('a token that Discord does not know', async () => {
  const discord = await simulator();
  const wrong = ['MTA'.repeat(8), 'AbCdEf', 'x'.repeat(38)].join('.');
  const bot = receiving(discord, { token: new Secret(wrong) });
  expect(await refusal(bot.start())).toMatch(/DISCORD_BOT_TOKEN/);
  const sentence = await refusal(bot.platform.receiver.start(async () => {}));
  expect(sentence).toMatch(/DISCORD_BOT_TOKEN/);
  expect(sentence).not.toContain(wrong);
});

test('the Message Content intent where it is not switched on', async () => {
  const discord = await simulator({ messageContent: false });
  const bot = receiving(discord, { messageContent: true });
  const sentence = await refusal(bot.start());
  expect(sentence).toMatch(/DISCORD_MESSAGE_CONTENT/);
  expect(sentence).toMatch(/Message Content Intent/);
  expect(discord.gateway.identifies).toBe(1);
});

test('no Discord at the address, after a while', async () => {
  const discord = await simulator();
  const bot = receiving(discord, {
    apiRoot: `http://127.0.0.1:${await freePort()}/api`,
    receiving: { startPatienceMs: 300 },
  });
  expect(await refusal(bot.start())).toMatch(/can’t be reached.*DISCORD_API_ROOT/);
});

test('something else at the address, at once', async () => {
  const discord = await simulator();
  const server: Server = createServer((_request, response) => response.end('<h1>Hello</h1>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const bot = receiving(discord, { apiRoot: `http://127.0.0.1:${port}/api` });
  expect(await refusal(bot.start())).toMatch(/DISCORD_API_ROOT/);
});

test('a Discord that comes late is waited for', async () => {
  const discord = await simulator();
  discord.fail({ route: 'GET /gateway/bot', times: 2, status: 502 });
  const bot = receiving(discord);
  expect(await refusal(bot.start())).toBe('');
  expect(discord.gateway.connections).toBe(1);
});

test('a start that is stopped in the middle ends', async () => {
  const discord = await simulator();
  discord.gateway.shut();
  const bot = receiving(discord);
  const started = refusal(bot.start());
  await discord.waitFor(() => discord.callsOf('GET /gateway/bot').length > 0);
  await bot.platform.receiver.stop();
  expect(await started).toBe('');
});

test('a token that is exchanged while the bot runs is tried again, and said in the log', async () => {
  const discord = await simulator();
  const bot = receiving(discord);
  await bot.start();
  discord.gateway.closeWith(4004);
  const line = await discord.waitFor(() => bot.log.lines.find(({ level }) => level === 'error'));
  expect(JSON.stringify(line)).toContain('DISCORD_BOT_TOKEN');
  await discord.waitFor(() => discord.gateway.identifies === 2);
  await discord.gateway.ready();
  const ann = discord.addUser({ name: 'ann' });
  ann.says(discord.dm(ann), 'welcome back');
  expect(await bot.message()).toMatchObject({ text: 'welcome back' });
});
