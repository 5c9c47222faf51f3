import { createServer } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { TelegramStartError } from '../../../src/platforms/telegram/errors.ts';
import { Secret } from '../../../src/secret.ts';
import { receiving, simulator } from './receiving.ts';

async function withAnn(options = {}) {
  const telegram = await simulator(options);
  const ann = telegram.addUser({ first_name: 'Ann' });
  return { telegram, ann, chat: telegram.privateChat(ann) };
}

describe('long polling', () => {
  test('hands on what people write, in order', async () => {
    const { telegram, ann, chat } = await withAnn();
    const bot = receiving(telegram);
    telegram.say(chat, ann, 'before the start');
    await bot.start();
    telegram.say(chat, ann, 'one');
    telegram.say(chat, ann, 'two');
    await vi.waitUntil(() => bot.events.length === 3);
    expect(bot.texts()).toEqual(['before the start', 'one', 'two']);
  });

  test('asks for the updates that it reads, and keeps what waited', async () => {
    const { telegram } = await withAnn();
    await receiving(telegram).start();
    expect(telegram.callsOf('getUpdates')[0]?.payload).toMatchObject({
      allowed_updates: [
        'message',
        'edited_message',
        'callback_query',
        'my_chat_member',
        'stopped_message_generation',
      ],
    });
    expect(telegram.callsOf('deleteWebhook')[0]?.payload).toMatchObject({
      drop_pending_updates: false,
    });
  });

  test('confirms nothing before it is handled', async () => {
    const { telegram, ann, chat } = await withAnn();
    let finish = () => {};
    const handled = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const bot = receiving(telegram, {}, () => handled);
    await bot.start();
    telegram.say(chat, ann, 'hello');
    await telegram.waitFor(() => telegram.callsOf('getUpdates').length > 5);
    expect(telegram.pendingUpdates()).toHaveLength(1);
    expect(bot.events).toEqual([]);
    finish();
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
    expect(bot.texts()).toEqual(['hello']);
  });

  test('tries again what could not be handled, while others go on', async () => {
    const { telegram, ann, chat } = await withAnn();
    const ben = telegram.addUser({ first_name: 'Ben' });
    let failures = 3;
    const bot = receiving(telegram, {}, async (event) => {
      const isAnn = event.type === 'message' && event.message.sender.displayName === 'Ann';
      if (isAnn && failures-- > 0) throw new Error('the database is away');
    });
    await bot.start();
    telegram.say(chat, ann, 'from Ann');
    telegram.say(telegram.privateChat(ben), ben, 'from Ben');
    await vi.waitUntil(() => bot.events.length === 2, { timeout: 3000 });
    expect(bot.texts()).toEqual(['from Ben', 'from Ann']);
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
  });

  test('tells the sender of a message that can never be taken in', async () => {
    const { telegram, ann, chat } = await withAnn();
    const ben = telegram.addUser({ first_name: 'Ben' });
    const bot = receiving(telegram, { retryMs: 1 }, async (event) => {
      if (event.type === 'message' && event.message.text === 'poison') throw new Error('always');
    });
    await bot.start();
    telegram.say(chat, ann, 'poison');
    await vi.waitUntil(
      () => {
        telegram.say(telegram.privateChat(ben), ben, 'hello');
        return telegram.messages(chat).some(({ from }) => from?.is_bot);
      },
      { timeout: 4000, interval: 100 },
    );
    const [, told] = telegram.messages(chat);
    expect(told?.text).toMatch(/could not take it in/);
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
  });

  test('that stops leaves what was not handled to the next start', async () => {
    const { telegram, ann, chat } = await withAnn();
    let finish = () => {};
    const handled = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const first = receiving(telegram, {}, async (event) => {
      if (event.type !== 'message' || event.message.text !== 'one') throw new Error('down');
      await handled;
    });
    await first.start();
    telegram.say(chat, ann, 'one');
    telegram.say(chat, ann, 'two');
    await telegram.waitFor(() => telegram.callsOf('getUpdates').length > 4);
    const stopped = first.receiver.stop();
    finish();
    await stopped;
    expect(first.texts()).toEqual(['one']);
    const second = receiving(telegram);
    await second.start();
    await vi.waitUntil(() => second.events.length > 0);
    expect(second.texts()).toEqual(['two']);
  });

  test('that stops while nothing comes does so at once', async () => {
    const { telegram } = await withAnn();
    const bot = receiving(telegram);
    await bot.start();
    await telegram.waitFor(() => telegram.callsOf('getUpdates').length >= 2);
    const start = performance.now();
    await bot.receiver.stop();
    expect(performance.now() - start).toBeLessThan(1000);
  });

  test('goes on after Telegram failed', async () => {
    const { telegram, ann, chat } = await withAnn();
    const bot = receiving(telegram);
    await bot.start();
    telegram.fail({ method: 'getUpdates', times: 2, status: 502 });
    telegram.fail({ method: 'getUpdates', times: 1, dropBefore: true });
    telegram.say(chat, ann, 'hello');
    await vi.waitUntil(() => bot.events.length === 1, { timeout: 3000 });
    telegram.say(chat, ann, 'again');
    await vi.waitUntil(() => bot.events.length === 2, { timeout: 3000 });
  });

  test('drops an update of an unknown shape and goes on', async () => {
    const { telegram, ann, chat } = await withAnn();
    const bot = receiving(telegram);
    await bot.start();
    telegram.pushUpdate({ message: { message_id: 1, date: 1 } } as never);
    telegram.say(chat, ann, 'hello');
    await vi.waitUntil(() => bot.events.length === 1);
    await telegram.waitFor(() => telegram.pendingUpdates().length === 0);
    expect(bot.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});

describe('a start', () => {
  test('with a wrong token ends with a sentence', async () => {
    const telegram = await simulator();
    const token = `1234567:${'x'.repeat(35)}`;
    const started = receiving({ url: telegram.url, token }).start();
    await expect(started).rejects.toThrow(/TELEGRAM_BOT_TOKEN/);
    await expect(started).rejects.toBeInstanceOf(TelegramStartError);
  });

  test('beside another process that polls ends with a sentence', async () => {
    const telegram = await simulator();
    telegram.fail({ method: 'getUpdates', status: 409, description: 'Conflict' });
    await expect(receiving(telegram).start()).rejects.toMatchObject({ reason: 'conflict' });
  });

  test('waits for a predecessor that is about to stop', async () => {
    const telegram = await simulator();
    telegram.fail({ method: 'getUpdates', status: 409, times: 2, description: 'Conflict' });
    await receiving(telegram, { conflictGraceMs: 5000 }).start();
    expect(telegram.callsOf('getUpdates').length).toBeGreaterThanOrEqual(3);
  });

  test('without a network goes on trying, and says so', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const address = free.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => free.close(resolve));
    const bot = receiving({ url: `http://127.0.0.1:${port}`, token: `1:${'x'.repeat(35)}` });
    const started = bot.start();
    await vi.waitUntil(() => bot.log.lines.length >= 2);
    expect(bot.log.lines[0]).toMatchObject({
      level: 'warn',
      data: { reason: 'network: ECONNREFUSED' },
    });
    expect(JSON.stringify(bot.log.lines)).not.toContain('x'.repeat(35));
    await bot.receiver.stop();
    await started;
  });

  test('tells once whether the bot reads all of its groups', async () => {
    const telegram = await simulator({ canReadAllGroupMessages: false });
    const bot = receiving(telegram);
    await bot.start();
    const said = bot.log.lines.filter(({ data }) => 'readsAllGroupMessages' in data);
    expect(said).toMatchObject([{ level: 'info', data: { readsAllGroupMessages: false } }]);
  });
});

describe('a webhook', () => {
  const secret = 'a-secret_1';
  const settings = { url: 'https://bot.example.org/hook', secret: new Secret(secret) };

  async function hooked(handle?: Parameters<typeof receiving>[2]) {
    const { telegram, ann, chat } = await withAnn();
    telegram.fail({ method: 'setWebhook', times: 1, status: 500 });
    const bot = receiving(telegram, { webhook: settings }, handle);
    const update = { update_id: 1, message: telegram.say(chat, ann, 'hello') };
    const post = (body: unknown, header: string | undefined = secret) =>
      bot.receiver.webhookHandler?.(body, header) ?? Promise.reject(new Error('no handler'));
    return { telegram, bot, update, post };
  }

  test('is set with its secret at the start', async () => {
    const { telegram, bot } = await hooked();
    await bot.start();
    expect(telegram.callsOf('setWebhook').at(-1)?.payload).toMatchObject({
      url: settings.url,
      secret_token: secret,
      max_connections: 40,
    });
    expect(telegram.callsOf('getUpdates')).toEqual([]);
  });

  test('hands on what is posted with the secret', async () => {
    const { bot, update, post } = await hooked();
    await bot.start();
    expect(await post(update)).toEqual({ status: 200 });
    expect(bot.texts()).toEqual(['hello']);
  });

  test.each([['wrong'], [''], [`${secret}1`]])('refuses the secret “%s”', async (header) => {
    const { bot, update, post } = await hooked();
    await bot.start();
    expect(await post(update, header)).toEqual({ status: 401 });
    expect(bot.events).toEqual([]);
  });

  test('has what could not be handled sent again', async () => {
    const { bot, update, post } = await hooked(async () => {
      throw new Error('the database is away');
    });
    await bot.start();
    expect(await post(update)).toEqual({ status: 500 });
  });

  test('does not have nonsense sent again', async () => {
    const { bot, post } = await hooked();
    await bot.start();
    expect(await post({ update_id: 'x' })).toEqual({ status: 200 });
    expect(await post(undefined)).toEqual({ status: 200 });
    expect(bot.events).toEqual([]);
  });

  test('that stops finishes what is in flight and has the rest sent again', async () => {
    let finish = () => {};
    const handled = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const { bot, update, post } = await hooked(() => handled);
    expect(await post(update)).toEqual({ status: 503 });
    await bot.start();
    const inFlight = post(update);
    const stopped = bot.receiver.stop();
    await vi.waitUntil(async () => (await post(update)).status === 503);
    finish();
    expect(await inFlight).toEqual({ status: 200 });
    await stopped;
    expect(bot.events).toHaveLength(1);
  });

  test('that Telegram refuses ends the start with a sentence', async () => {
    const telegram = await simulator();
    telegram.fail({ method: 'setWebhook', status: 400, description: 'Bad Request: bad webhook' });
    const started = receiving(telegram, { webhook: settings }).start();
    await expect(started).rejects.toThrow(/TELEGRAM_WEBHOOK_URL/);
  });
});
