import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Provider } from '../../src/llm/provider.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import { type AnthropicSimulator, startAnthropicSimulator } from '../fakes/anthropic.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import { hear, printed, question } from './support.ts';

const MODEL = 'claude-haiku-4-5';
let anthropic: AnthropicSimulator;
let provider: Provider;

beforeAll(async () => {
  anthropic = await startAnthropicSimulator();
});
afterAll(() => anthropic.close());
beforeEach(() => {
  anthropic.requests.length = 0;
  provider = createProviders({ baseUrls: { anthropic: anthropic.url } })('anthropic');
});

function ask(behaviour: Behaviour, more = {}) {
  anthropic.script([behaviour]);
  return hear(provider, question(anthropic.apiKey, MODEL, more));
}

function lastBody(): Record<string, unknown> {
  return anthropic.completions().at(-1)?.body as Record<string, unknown>;
}

describe('an answer', () => {
  test('comes as text, usage and end', async () => {
    const usage = { input: 100, cached: 60, cacheWrite: 30, output: 9 };
    const heard = await ask({ text: 'A closure\n\n```js\n1\n```', usage });
    expect(heard.error).toBeUndefined();
    expect(heard.text).toBe('A closure\n\n```js\n1\n```');
    expect(heard.usage).toEqual({
      inputTokens: 100,
      cachedInputTokens: 60,
      cacheWriteTokens: 30,
      outputTokens: 9,
    });
    expect(heard.events.at(-1)).toEqual({ type: 'end', reason: 'complete' });
  });

  test('ends by length or by refusal too', async () => {
    expect((await ask({ finish: 'length' })).end).toBe('length');
    expect((await ask({ finish: 'refusal' })).end).toBe('refusal');
  });

  test('shows thinking while the model reasons', async () => {
    const { events, text } = await ask({ text: 'Yes.', reasoning: 5 });
    const firstText = events.findIndex(({ type }) => type === 'text');
    expect(events.slice(0, firstText).every(({ type }) => type === 'thinking')).toBe(true);
    expect(firstText).toBeGreaterThanOrEqual(5);
    expect(text).toBe('Yes.');
  });

  test('is asked for with the system prompt cached and the user named by a pseudonym', async () => {
    await ask({}, { safetyIdentifier: 'u-1f' });
    expect(lastBody()).toMatchObject({
      max_tokens: 1_000,
      metadata: { user_id: 'u-1f' },
      system: [{ text: 'You help with code.', cache_control: { type: 'ephemeral' } }],
    });
  });

  test('is asked for with images, and without what is empty', async () => {
    const heard = await ask(
      {},
      {
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'One' }] },
          { role: 'assistant', content: [{ type: 'text', text: '  ' }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: '' },
              { type: 'image', mediaType: 'image/png', data: new Uint8Array([1, 2, 3]) },
            ],
          },
        ],
      },
    );
    expect(heard.error).toBeUndefined();
    expect(lastBody().messages).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'One' }] },
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AQID' } },
        ],
      },
    ]);
  });

  test.each([
    ['breaks', { breakAfter: 3 }],
    ['ends without its end', { truncateAfter: 3 }],
    ['turns into garbage', { garbageAfter: 3 }],
  ])('that %s is a broken connection; what came stays and is counted', async (_how, behaviour) => {
    const usage = { input: 80, output: 99 };
    const heard = await ask({ text: 'one two three four five', usage, ...behaviour });
    expect(heard.error?.code).toBe('connection-broken');
    expect(heard.text).toBe('one two three');
    expect(heard.usage?.inputTokens).toBe(80);
    expect(heard.usage?.outputTokens).toBeGreaterThanOrEqual(3);
  });

  test.each([
    ['overloaded', 'overloaded'],
    ['server-error', 'overloaded'],
    ['rate-limited', 'rate-limited'],
  ] as const)('with an error event (%s) in the middle is told', async (error, code) => {
    const heard = await ask({ text: 'one two three', errorAfter: { chunks: 2, error } });
    expect([heard.error?.code, heard.text]).toEqual([code, 'one two']);
  });

  test('is aborted at once, and what came is counted', async () => {
    const abort = new AbortController();
    anthropic.script([
      { text: 'word '.repeat(1_000), chunkDelayMs: 5, usage: { input: 70, output: 9 } },
    ]);
    let abortedAt = 0;
    const heard = await hear(
      provider,
      question(anthropic.apiKey, MODEL, { signal: abort.signal }),
      ({ type }) => {
        if (type !== 'text' || abortedAt > 0) return;
        abortedAt = Date.now();
        abort.abort();
      },
    );
    expect(heard.error?.code).toBe('aborted');
    expect(heard.usage?.inputTokens).toBe(70);
    const request = anthropic.completions().at(-1);
    await anthropic.waitFor(() => request?.aborted);
    expect((request?.endedAt ?? Infinity) - abortedAt).toBeLessThan(200);
  });

  test('that never begins is told after the limit', async () => {
    provider = createProviders({
      baseUrls: { anthropic: anthropic.url },
      completionLimits: { firstByteMs: 60 },
    })('anthropic');
    expect((await ask({ hang: true })).error?.code).toBe('no-answer');
  });

  test('may be thought about for longer than the first byte may take', async () => {
    provider = createProviders({
      baseUrls: { anthropic: anthropic.url },
      completionLimits: { firstByteMs: 150, silenceMs: 2_000 },
    })('anthropic');
    expect((await ask({ silenceMs: 300, text: 'At last.' })).text).toBe('At last.');
  });

  test('with less room than was asked is asked for with what there is', async () => {
    const body = JSON.stringify({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message:
          'max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-3-haiku-20240307',
      },
    });
    anthropic.script([{ raw: { status: 400, body } }, { text: 'Fits.' }]);
    const asked = question(anthropic.apiKey, MODEL, { maxOutputTokens: 8_192 });
    expect((await hear(provider, asked)).text).toBe('Fits.');
    expect(lastBody().max_tokens).toBe(4_096);
  });
});

describe('what Anthropic refuses', () => {
  test.each([
    ['key-refused', 'key-refused', 401],
    ['no-permission', 'no-permission', 403],
    ['no-credit', 'no-credit', 400],
    ['rate-limited', 'rate-limited', 429],
    ['overloaded', 'overloaded', 529],
    ['server-error', 'overloaded', 500],
    ['context-too-long', 'context-too-long', 400],
    ['policy', 'refused-by-policy', 400],
    ['model-gone', 'model-not-found', 404],
    ['bad-request', 'bad-request', 400],
    ['html', 'overloaded', 502],
  ] as const)('is told apart: %s', async (fail, code, status) => {
    const { error } = await ask({ fail });
    expect([error?.code, error?.status]).toEqual([code, status]);
    expect(anthropic.completions()).toHaveLength(1);
  });

  test('names no part of the key, and none of its words', async () => {
    const key = anthropic.keys.add('revoked');
    const { error } = await hear(provider, question(key, MODEL));
    expect(error?.code).toBe('key-refused');
    for (const part of [key, key.slice(-4), 'x-api-key'])
      expect(printed(error)).not.toContain(part);
  });

  test('a rate limit says when to come back', async () => {
    const key = anthropic.keys.add({ rateLimitedForSeconds: 12 });
    const { error } = await hear(provider, question(key, MODEL));
    expect([error?.code, error?.retryAfterMs]).toEqual(['rate-limited', 12_000]);
  });
});

test('the environment adds nothing to a request', async () => {
  const names = {
    ANTHROPIC_CUSTOM_HEADERS: 'X-Spy: yes',
    ANTHROPIC_AUTH_TOKEN: 'spy',
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
  };
  Object.assign(process.env, names);
  try {
    expect((await ask({})).end).toBe('complete');
    const sent = anthropic.completions().at(-1)?.headers;
    expect(JSON.stringify(sent)).not.toMatch(/spy|x-stainless|traceparent/i);
  } finally {
    for (const name of Object.keys(names)) delete process.env[name];
  }
});

test('a base URL that ends in /v1 is the same', async () => {
  provider = createProviders({ baseUrls: { anthropic: `${anthropic.url}/v1/` } })('anthropic');
  expect((await ask({})).end).toBe('complete');
});

describe('keys', () => {
  const signal = new AbortController().signal;
  const check = (key: string) => provider.checkKey(new Secret(key), signal);

  test('are valid, limited, invalid or unknown', async () => {
    expect(await check(anthropic.apiKey)).toEqual({ result: 'valid' });
    expect(await check(anthropic.keys.add('limited'))).toEqual({ result: 'limited' });
    expect(await check(anthropic.keys.add('revoked'))).toEqual({ result: 'invalid' });
    expect(await check(anthropic.keys.add('no-credit'))).toEqual({ result: 'valid' });
    const gone = createProviders({ baseUrls: { anthropic: 'http://127.0.0.1:1' } })('anthropic');
    expect(await gone.checkKey(new Secret('x'), signal)).toEqual({ result: 'unknown' });
  });

  test('list the models by name, newest first', async () => {
    const models = await provider.listModels(new Secret(anthropic.apiKey), signal);
    expect(models[0]).toEqual({ id: 'claude-opus-5-5', name: 'Claude Opus 5.5' });
    expect(models).toHaveLength(3);
  });
});
