import { REST } from '@discordjs/rest';
import { Routes } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { closeAfterTest, refusal, simulate } from './harness.ts';

const CREATE = 'POST /channels/:channel/messages';

describe('rates', () => {
  test('the real client waits, and everything arrives', async () => {
    const { discord, rest, channel } = await simulate({ rates: { windowMs: 300 } });
    const route = Routes.channelMessages(channel.id);
    const started = Date.now();
    await Promise.all(
      Array.from({ length: 12 }, (_, at) => rest.post(route, { body: { content: `${at}` } })),
    );
    expect(Date.now() - started).toBeGreaterThanOrEqual(500);
    expect(discord.messages(channel)).toHaveLength(12);
    expect(discord.callsOf(CREATE).filter(({ status }) => status === 429)).toEqual([]);
  });

  test('who does not wait is refused, and told for how long', async () => {
    const { discord, channel } = await simulate();
    const post = () =>
      fetch(`${discord.apiRoot}/v10/channels/${channel.id}/messages`, {
        method: 'POST',
        headers: { authorization: `Bot ${discord.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ content: 'a' }),
      });
    for (let at = 0; at < 5; at += 1) {
      expect((await post()).headers.get('x-ratelimit-remaining')).toBe(String(4 - at));
    }
    const refused = await post();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('x-ratelimit-scope')).toBe('user');
    expect(await refused.json()).toMatchObject({ global: false, retry_after: expect.any(Number) });
    discord.advance(5_000);
    expect((await post()).status).toBe(200);
  });

  test('all routes together have a bound, of which interactions are free', async () => {
    const { discord, rest, ann } = await simulate({ rates: { perSecond: 3 } });
    const me = () =>
      fetch(`${discord.apiRoot}/v10/users/${ann.id}`, {
        headers: { authorization: `Bot ${discord.token}` },
      });
    const statuses = await Promise.all(Array.from({ length: 4 }, async () => (await me()).status));
    expect(statuses.sort()).toEqual([200, 200, 200, 429]);
    const unknown = Routes.webhookMessage(discord.applicationId, 'x', '@original');
    expect(await refusal(rest.get(unknown, { auth: false }))).toMatch(/^404 10015/);
    expect(discord.calls.at(-1)?.path).toBe(
      `/webhooks/${discord.applicationId}/x/messages/@original`,
    );
  });
});

describe('faults', () => {
  test('a 429 is waited for by the real client', async () => {
    const { discord, rest, channel } = await simulate();
    discord.fail({ route: CREATE, times: 1, retryAfter: 0.2 });
    const started = Date.now();
    await rest.post(Routes.channelMessages(channel.id), { body: { content: 'a' } });
    expect(Date.now() - started).toBeGreaterThanOrEqual(200);
    expect(discord.callsOf(CREATE).map(({ status }) => status)).toEqual([429, 200]);
  });

  test('5xx and a broken connection are tried again, and the nonce keeps it one message', async () => {
    const { discord, channel } = await simulate();
    const rest = new REST({ api: discord.apiRoot, timeout: 2_000 }).setToken(discord.token);
    discord.fail({ route: CREATE, times: 1, status: 502 });
    discord.fail({ route: CREATE, times: 1, slowMs: 3_000 });
    const body = { content: 'a', nonce: '1', enforce_nonce: true };
    await rest.post(Routes.channelMessages(channel.id), { body });
    await discord.waitFor(() => discord.callsOf(CREATE).every(({ status }) => status > 0));
    expect(discord.callsOf(CREATE).map(({ status }) => status)).toEqual([502, 200, 200]);
    expect(discord.messages(channel)).toHaveLength(1);
  });

  test('a connection cut after the work leaves the message there', async () => {
    const { discord, rest, channel } = await simulate();
    discord.fail({ route: /channels/, times: 1, dropAfter: true });
    const body = { content: 'a', nonce: '1', enforce_nonce: true };
    await rest.post(Routes.channelMessages(channel.id), { body }).catch(() => undefined);
    expect(discord.messages(channel)).toHaveLength(1);
    discord.fail({ route: /channels/, times: 1, dropBefore: true });
    await rest.post(Routes.channelMessages(channel.id), { body: { content: 'b' } }).catch(() => {});
    discord.fail({ route: /channels/, times: 1, status: 403, code: 50_013, message: 'No' });
    const refused = rest.post(Routes.channelMessages(channel.id), { body: { content: 'c' } });
    expect(await refusal(refused)).toBe('403 50013 No');
  });

  test('a wrong token is refused everywhere', async () => {
    const { discord, channel } = await simulate();
    const rest = new REST({ api: discord.apiRoot }).setToken('wrong');
    closeAfterTest(async () => rest.clearHandlerSweeper());
    const get = rest.get(Routes.channel(channel.id));
    expect(await refusal(get)).toBe('401 0 401: Unauthorized');
  });
});
