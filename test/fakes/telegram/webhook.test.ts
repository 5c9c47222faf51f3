import { createServer } from 'node:http';
import { type Api, Bot, webhookCallback } from 'grammy';
import type { Update, User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TelegramSimulator } from '../telegram.ts';
import { closeAfterTest, refusal, simulate } from './harness.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;

beforeEach(async () => {
  ({ telegram, api, ann } = await simulate());
});

describe('webhook', () => {
  /** The real grammY behind a server; what `handle` throws is answered with 500. */
  async function receive(handle: (update: Update) => void) {
    const bot = new Bot(telegram.token, { client: { apiRoot: telegram.url } });
    bot.use((ctx) => handle(ctx.update));
    const callback = webhookCallback(bot, 'http', { secretToken: 'open-sesame' });
    const server = createServer((request, response) => {
      callback(request, response).catch(() => response.writeHead(500).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeAfterTest(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}/hook`;
  }

  test('delivers with the secret, tries again until it is taken, and keeps a chat in order', async () => {
    const seen: (string | undefined)[] = [];
    const url = await receive(({ message }) => {
      seen.push(message?.text);
      if (seen.length <= 2) throw new Error('not yet');
    });
    await api.setWebhook(url, { secret_token: 'open-sesame' });
    const chat = telegram.privateChat(ann);
    telegram.say(chat, ann, 'one');
    telegram.say(chat, ann, 'two');
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
    expect(seen).toEqual(['one', 'one', 'one', 'two']);
    expect(await api.getWebhookInfo()).toMatchObject({
      url,
      pending_update_count: 0,
      max_connections: 40,
      last_error_message: 'Wrong response from the webhook: 500 Internal Server Error',
    });
  });

  test('another secret is refused, and chats do not wait for each other', async () => {
    const seen: (string | undefined)[] = [];
    const url = await receive(({ message }) => {
      seen.push(message?.text);
      if (message?.text === 'poison') throw new Error('always');
    });
    await api.setWebhook(url, { secret_token: 'wrong' });
    telegram.say(telegram.privateChat(ann), ann, 'poison');
    const failed = async () => (await api.getWebhookInfo()).last_error_message ?? '';
    await expect.poll(failed).toContain('401');
    expect(seen).toEqual([]);
    await api.setWebhook(url, { secret_token: 'open-sesame' });
    const bob = telegram.addUser({ first_name: 'Bob' });
    telegram.say(telegram.privateChat(bob), bob, 'hello');
    await telegram.waitFor(() => seen.includes('hello'));
    await telegram.waitFor(() => telegram.pendingUpdates().length === 1);
  });

  test('polling is refused while it is set, and works after it is gone', async () => {
    const url = await receive(() => {
      throw new Error('never');
    });
    await api.setWebhook(url);
    telegram.say(telegram.privateChat(ann), ann, 'kept');
    expect(await refusal(api.getUpdates())).toMatch(/^409 Conflict: can't use getUpdates method/);
    await api.deleteWebhook();
    expect(await api.getUpdates()).toHaveLength(1);
    await api.setWebhook(url);
    await api.deleteWebhook({ drop_pending_updates: true });
    expect(await api.getUpdates()).toEqual([]);
  });

  test('only addresses that Telegram can reach are taken', async () => {
    expect(await refusal(api.setWebhook('http://bot.example/hook'))).toContain(
      'An HTTPS URL must be provided for webhook',
    );
    expect(await refusal(api.setWebhook('https://bot.example:444/'))).toContain('443');
    expect(await refusal(api.setWebhook('nonsense'))).toContain('invalid webhook URL');
    expect(
      await refusal(api.setWebhook('https://bot.example/', { secret_token: 'a b' })),
    ).toContain('unallowed characters');
  });
});
