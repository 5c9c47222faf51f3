import { Api, HttpError } from 'grammy';
import type { User } from 'grammy/types';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TelegramSimulator } from '../telegram.ts';
import { refusal, simulate, texts } from './harness.ts';

let telegram: TelegramSimulator;
let api: Api;
let ann: User;

beforeEach(async () => {
  ({ telegram, api, ann } = await simulate());
});

describe('faults', () => {
  test('answers of all kinds, so many times, for the requests that are meant', async () => {
    const { id } = telegram.privateChat(ann);
    telegram.fail({ method: 'sendMessage', times: 1, retryAfter: 3 });
    const flood = await api.sendMessage(id, 'a').catch((reason: unknown) => reason);
    expect(flood).toMatchObject({
      error_code: 429,
      description: 'Too Many Requests: retry after 3',
      parameters: { retry_after: 3 },
    });
    telegram.fail({ method: /^send/, times: 1, status: 502, when: ({ text }) => text === 'b' });
    await api.sendMessage(id, 'a');
    expect(await refusal(api.sendMessage(id, 'b'))).toBe('502 Bad Gateway');
    await api.sendMessage(id, 'b');
    expect(telegram.callsOf('sendMessage').map(({ status }) => status)).toEqual([
      429, 200, 502, 200,
    ]);
  });

  test('a connection breaks before the work, or after it', async () => {
    const chat = telegram.privateChat(ann);
    telegram.fail({ method: 'sendMessage', times: 1, dropBefore: true });
    telegram.fail({ method: 'sendMessage', times: 1, dropAfter: true });
    await expect(api.sendMessage(chat.id, 'lost')).rejects.toBeInstanceOf(HttpError);
    await expect(api.sendMessage(chat.id, 'sent')).rejects.toBeInstanceOf(HttpError);
    expect(texts(telegram.messages(chat))).toEqual(['sent']);
  });

  test('a request hangs until its client gives up; downloads fail too', async () => {
    const { id } = telegram.privateChat(ann);
    telegram.fail({ method: 'sendMessage', hang: true });
    const hasty = new Api(telegram.token, { apiRoot: telegram.url, timeoutSeconds: 0.1 });
    await expect(hasty.sendMessage(id, 'a')).rejects.toBeInstanceOf(HttpError);
    expect(telegram.calls).toMatchObject([{ method: 'sendMessage', status: 0 }]);
    telegram.clearFaults();
    await api.sendMessage(id, 'a');
    telegram.fail({ method: 'download', status: 500 });
    expect((await fetch(`${telegram.url}/file/bot${telegram.token}/documents/x`)).status).toBe(500);
  });

  test('rates are held to, when asked for', async () => {
    let now = Date.now();
    ({ telegram, api, ann } = await simulate({ limits: true, now: () => now }));
    const { id } = telegram.privateChat(ann);
    for (let i = 0; i < 5; i += 1) await api.sendMessage(id, 'a');
    expect(await refusal(api.sendMessage(id, 'a'))).toBe('429 Too Many Requests: retry after 1');
    await api.sendMessageDraft(id, 1, 'drafts go on');
    now += 1_000;
    await api.sendMessage(id, 'a');
    const group = telegram.group({ title: 'G', members: [ann] });
    const sent = await api.sendMessage(group.id, '0');
    for (let i = 1; i < 20; i += 1) {
      now += 1_000;
      await api.editMessageText(group.id, sent.message_id, String(i));
    }
    now += 1_000;
    expect(await refusal(api.editMessageText(group.id, sent.message_id, 'x'))).toBe(
      '429 Too Many Requests: retry after 40',
    );
  });
});
