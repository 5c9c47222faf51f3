/** What the operator sees of a conversation: health, metrics, traces, logs; and what they do not. */

import type { Chat, User } from 'grammy/types';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOtlpCollector } from '../fakes/otlp.ts';
import { createWorld, type World } from '../support/latchkey.ts';
import { waitFor } from '../support/wait-for.ts';

const WORDS = 'why is my zanzibar variable undefined';
const PASSWORD = 'hunter2 and more';

let world: World;
let collector: Awaited<ReturnType<typeof startOtlpCollector>>;
let ann: User;
let port: number;
let stop: () => Promise<void>;

const page = async (path: string) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
};

beforeAll(async () => {
  collector = await startOtlpCollector();
  world = await createWorld({
    discord: {},
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-team=${encodeURIComponent(PASSWORD)}`,
    },
  });
  const app = await world.start();
  port = app.httpPort ?? 0;
  stop = app.stop;
  ann = world.telegram.addUser({ first_name: 'Annabella', username: 'annabella_x' });
  const chat = world.telegram.privateChat(ann);
  world.openai.script((question) =>
    question.includes('fail') ? { fail: 'bad-request' } : { text: 'It is never set.' },
  );
  await converse(chat);
});

async function converse(chat: Chat.PrivateChat): Promise<void> {
  world.telegram.say(chat, ann, WORDS);
  await waitFor(() => world.telegram.messages(chat).some((m) => m.text?.includes('never set')));
  world.telegram.say(chat, ann, 'now fail');
  await waitFor(() => world.telegram.messages(chat).filter((m) => m.from?.is_bot).length > 1);
}

afterAll(async () => {
  await world.close();
  await collector.close();
});

test('readyz tells of every part, and that all of them work', async () => {
  await waitFor(async () => (await page('/readyz')).status === 200);
  expect(JSON.parse((await page('/readyz')).text)).toEqual({
    ok: true,
    parts: Object.fromEntries(
      ['process', 'database', 'migrations', 'queue', 'key-ring', 'telegram', 'discord'].map(
        (part) => [part, { ok: true }],
      ),
    ),
  });
});

test('metrics tell of the conversation: who paid, whom, how long, and what failed', async () => {
  const { text } = await page('/metrics');
  expect(text).toMatch(
    /^latchkey_turns_total\{state="done",platform="telegram",funding="house",provider="openai"\} 1$/m,
  );
  expect(text).toMatch(/^latchkey_messages_total\{platform="telegram",result="accepted"\} 2$/m);
  expect(text).toMatch(
    /^latchkey_provider_failures_total\{provider="openai",funding="house",code="bad-request"\} 1$/m,
  );
  expect(text).toMatch(
    /^latchkey_turn_first_text_seconds_count\{funding="house",provider="openai"\} 1$/m,
  );
  for (const step of ['read', 'funding', 'context', 'provider', 'deliver']) {
    expect(text).toMatch(new RegExp(`^latchkey_turn_step_seconds_count{step="${step}"} 2$`, 'm'));
  }
  expect(text).toMatch(/^latchkey_house_allowance_dollars 5$/m);
  expect(Number(/^latchkey_house_allowance_left_dollars (.+)$/m.exec(text)?.[1])).toBeLessThan(5);
});

test('no label of any metric says who somebody is', async () => {
  const { text } = await page('/metrics');
  const labels = [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => ({
    name,
    value,
  }));
  const ours = labels.filter(({ name }) => name !== 'le' && name !== 'quantile');
  expect(new Set(ours.map(({ name }) => name))).toEqual(
    new Set([
      ...['state', 'platform', 'funding', 'provider', 'code', 'result', 'step', 'part', 'role'],
      // Node's own.
      ...['space', 'type', 'version', 'major', 'minor', 'patch'],
    ]),
  );
  const known = [String(ann.id), 'Annabella', 'annabella_x', 'zanzibar', world.openai.apiKey];
  for (const who of known) expect(text).not.toContain(who);
  // Names alone: an id of somebody would be a number.
  const named = ours.filter(({ name }) => !['version', 'major', 'minor', 'patch'].includes(name));
  expect(named.filter(({ value }) => !/^[A-Za-z][A-Za-z_-]*$/.test(value))).toEqual([]);
});

test('a turn is one span with its steps, under the spans of its wake-up', async () => {
  await waitFor(() => collector.spans.filter(({ name }) => name === 'turn').length === 2, {
    timeoutMs: 15_000,
  });
  const turn = collector.spans.find(
    ({ attributes }) => attributes['latchkey.turn.state'] === 'done',
  );
  expect(turn?.attributes).toMatchObject({
    'latchkey.turn.attempt': 1,
    'latchkey.platform': 'telegram',
    'latchkey.funding': 'house',
    'latchkey.provider': 'openai',
  });
  const below = (span: { readonly spanId: string } | undefined) =>
    collector.spans.filter(({ parentSpanId }) => parentSpanId === span?.spanId);
  const steps = below(turn);
  expect(steps.map(({ name }) => name)).toEqual(['read', 'funding', 'provider', 'deliver']);
  // Whoever pays decides what the model may be asked, and is asked next where it is too much.
  expect(below(steps[1]).map(({ name }) => name)).toEqual(['context']);
  const id = turn?.attributes['latchkey.turn.id'];
  expect(steps.every(({ attributes }) => attributes['latchkey.turn.id'] === id)).toBe(true);
  const parent = collector.spans.find(({ spanId }) => spanId === turn?.parentSpanId);
  expect(parent?.attributes).toEqual({
    'bullmq.queue.name': 'latchkey-mailbox',
    'bullmq.queue.operation': 'process',
  });
});

test('a trace holds no word, no user and no key', () => {
  const sent = collector.raw.join('\n');
  expect(collector.raw.length).toBeGreaterThan(0);
  expect(collector.headers[0]?.['x-team']).toBe(PASSWORD);
  const known = ['zanzibar', 'never set', 'Annabella', String(ann.id), world.openai.apiKey];
  for (const secret of known) expect(sent).not.toContain(secret);
  expect(sent).not.toMatch(/deduplication|job\.(id|key|result|options)/);
});

test('every line of a turn names it, whoever writes it', () => {
  const lines = world.logged.filter((line) => line.startsWith('{'));
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  expect(lines.find((line) => line.includes('provider failed'))).toMatch(/"turnId":\d+/);
});

test('while it stops, it says so', async () => {
  const chat = world.telegram.privateChat(ann);
  world.openai.script(() => ({ text: 'one two', chunkDelayMs: 100, hangAfter: 1 }));
  world.telegram.say(chat, ann, 'hold on');
  await waitFor(() => world.telegram.callsOf('sendMessageDraft').length > 0);
  const stopped = stop();
  await waitFor(async () => {
    const { status, text } = await page('/readyz');
    return status === 503 && /"telegram":\{"ok":false,"detail":"stopping"\}/.test(text);
  });
  expect(JSON.parse((await page('/readyz')).text).parts).toMatchObject({
    process: { ok: false, detail: 'stopping' },
    database: { ok: true },
  });
  expect((await page('/healthz')).status).toBe(200);
  await stopped;
  await expect(page('/healthz')).rejects.toThrow();
});
