import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { streamError } from '../../src/llm/errors.ts';
import type { Provider } from '../../src/llm/provider.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import { hear, printed, question } from './support.ts';

const MODEL = 'gpt-5.4-mini';
let openai: OpenAiSimulator;
let provider: Provider;

beforeAll(async () => {
  openai = await startOpenAiSimulator();
});
afterAll(() => openai.close());
beforeEach(() => {
  openai.requests.length = 0;
  provider = createProviders({ baseUrls: { openai: openai.url } })('openai');
});

function ask(behaviour: Behaviour, model = MODEL, more = {}) {
  openai.script([behaviour]);
  return hear(provider, question(openai.apiKey, model, more));
}

function lastBody(): Record<string, unknown> {
  return openai.completions().at(-1)?.body as Record<string, unknown>;
}

describe.each([
  ['Chat Completions', MODEL],
  ['the Responses API', 'gpt-5.4-pro'],
])('%s', (_api, model) => {
  test('streams the text, the usage and the end', async () => {
    const usage = { input: 50, cached: 20, output: 7 };
    const heard = await ask({ text: 'A closure\n\n```js\n1\n```', usage }, model);
    expect(heard.error).toBeUndefined();
    expect(heard.text).toBe('A closure\n\n```js\n1\n```');
    expect(heard.events.filter(({ type }) => type === 'text').length).toBeGreaterThan(2);
    expect(heard.usage).toEqual({
      inputTokens: 50,
      cachedInputTokens: 20,
      cacheWriteTokens: 0,
      outputTokens: 7,
    });
    expect(heard.events.at(-1)).toEqual({ type: 'end', reason: 'complete' });
  });

  test('tells the end apart', async () => {
    expect((await ask({ finish: 'length' }, model)).end).toBe('length');
    expect((await ask({ finish: 'refusal' }, model)).end).toBe('refusal');
  });

  test('shows thinking while the model reasons', async () => {
    const { events, text } = await ask({ text: 'Yes.', reasoning: 5 }, model);
    const firstText = events.findIndex(({ type }) => type === 'text');
    expect(events.slice(0, firstText).every(({ type }) => type === 'thinking')).toBe(true);
    expect(firstText).toBeGreaterThanOrEqual(5);
    expect(text).toBe('Yes.');
  });

  test('does without usage', async () => {
    const { usage, end } = await ask({ usage: 'none' }, model);
    expect([usage, end]).toEqual([undefined, 'complete']);
  });

  test('sends images and earlier answers', async () => {
    await ask({}, model, {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'One' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'Two' }] },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', mediaType: 'image/png', data: new Uint8Array([1, 2, 3]) },
          ],
        },
      ],
    });
    expect(JSON.stringify(lastBody())).toContain('data:image/png;base64,AQID');
    expect(JSON.stringify(lastBody())).toContain('Two');
  });

  test('limits the output, keeps nothing and names the user by a pseudonym', async () => {
    await ask({}, model, { safetyIdentifier: 'u-1f' });
    const limit = lastBody().max_completion_tokens ?? lastBody().max_output_tokens;
    expect(limit).toBe(1_000);
    expect(lastBody().store).toBe(false);
    expect(lastBody().safety_identifier).toBe('u-1f');
  });

  test.each([
    ['breaks', { breakAfter: 3 }],
    ['ends without its end', { truncateAfter: 3 }],
    ['turns into garbage', { garbageAfter: 3 }],
  ])('a stream that %s is a broken connection, and what came stays', async (_how, behaviour) => {
    const heard = await ask({ text: 'one two three four five', ...behaviour }, model);
    expect(heard.error?.code).toBe('connection-broken');
    expect(heard.text).toBe('one two three');
    expect(heard.end).toBeUndefined();
  });

  test.each([
    ['overloaded', 'overloaded'],
    ['server-error', 'overloaded'],
    ['rate-limited', 'rate-limited'],
  ] as const)('an error event (%s) in the stream is told', async (error, code) => {
    const heard = await ask({ text: 'one two three', errorAfter: { chunks: 2, error } }, model);
    expect(heard.error?.code).toBe(code);
    expect(heard.text).toBe('one two');
  });

  test('an abort ends the request at once', async () => {
    const abort = new AbortController();
    openai.script([{ text: 'word '.repeat(1_000), chunkDelayMs: 5 }]);
    let abortedAt = 0;
    const heard = await hear(
      provider,
      question(openai.apiKey, model, { signal: abort.signal }),
      ({ type }) => {
        if (type !== 'text' || abortedAt > 0) return;
        abortedAt = Date.now();
        abort.abort();
      },
    );
    expect(heard.error?.code).toBe('aborted');
    expect(heard.text).toContain('word');
    const request = openai.completions().at(-1);
    await openai.waitFor(() => request?.aborted);
    expect((request?.endedAt ?? Infinity) - abortedAt).toBeLessThan(200);
  });

  test('a listener that leaves ends the request', async () => {
    openai.script([{ text: 'word '.repeat(1_000), chunkDelayMs: 5 }]);
    for await (const event of provider.complete(question(openai.apiKey, model))) {
      if (event.type === 'text') break;
    }
    const request = openai.completions().at(-1);
    await openai.waitFor(() => request?.aborted);
  });

  test('an abort during the wait for the first byte ends it', async () => {
    const abort = new AbortController();
    openai.script([{ hang: true }]);
    const heard = hear(provider, question(openai.apiKey, model, { signal: abort.signal }));
    await openai.waitFor(() => openai.completions().length > 0);
    abort.abort();
    expect((await heard).error?.code).toBe('aborted');
    await openai.waitFor(() => openai.activeRequests() === 0);
  });

  test('no answer at all is told after the limit', async () => {
    provider = createProviders({
      baseUrls: { openai: openai.url },
      completionLimits: { firstByteMs: 60 },
    })('openai');
    expect((await ask({ hang: true }, model)).error?.code).toBe('no-answer');
    await openai.waitFor(() => openai.activeRequests() === 0);
  });

  test('a model may be silent for longer than the first byte may take', async () => {
    provider = createProviders({
      baseUrls: { openai: openai.url },
      completionLimits: { firstByteMs: 150, silenceMs: 2_000 },
    })('openai');
    expect((await ask({ silenceMs: 300, text: 'At last.' }, model)).text).toBe('At last.');
  });

  test('a connection that says nothing more is given up', async () => {
    provider = createProviders({
      baseUrls: { openai: openai.url },
      completionLimits: { silenceMs: 60 },
    })('openai');
    const heard = await ask({ text: 'one two three', hangAfter: 2 }, model);
    expect([heard.text, heard.error?.code]).toEqual(['one two', 'no-answer']);
    await openai.waitFor(() => openai.activeRequests() === 0);
  });
});

describe('what OpenAI refuses', () => {
  test.each([
    ['key-refused', 'key-refused', 401],
    ['no-permission', 'no-permission', 403],
    ['no-credit', 'no-credit', 429],
    ['rate-limited', 'rate-limited', 429],
    ['overloaded', 'overloaded', 503],
    ['server-error', 'overloaded', 500],
    ['context-too-long', 'context-too-long', 400],
    ['policy', 'refused-by-policy', 400],
    ['model-gone', 'model-not-found', 404],
    ['bad-request', 'bad-request', 400],
    ['html', 'overloaded', 502],
  ] as const)('is told apart: %s', async (fail, code, status) => {
    const { error } = await ask({ fail });
    expect([error?.code, error?.status]).toEqual([code, status]);
    expect(openai.completions()).toHaveLength(1);
  });

  test('names no part of the key, and none of its words', async () => {
    const key = openai.keys.add('revoked');
    const { error } = await hear(provider, question(key, MODEL));
    expect(error?.code).toBe('key-refused');
    for (const part of [key, key.slice(0, 8), key.slice(-4), 'Incorrect', '****']) {
      expect(printed(error)).not.toContain(part);
    }
  });

  test.each([
    [20, 20_000],
    ['0.5', 500],
  ])('a rate limit says when to come back (%s s)', async (retryAfter, ms) => {
    const { error } = await ask({ fail: 'rate-limited', retryAfter });
    expect(error?.retryAfterMs).toBe(ms);
    expect(error?.retryable).toBe(true);
  });

  test('a rate limit may name a date', async () => {
    const retryAfter = new Date(Date.now() + 30_000).toUTCString();
    const { error } = await ask({ fail: 'rate-limited', retryAfter });
    expect(error?.retryAfterMs).toBeGreaterThan(20_000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(30_000);
  });

  test('a server that is not there is no answer', async () => {
    const gone = await startOpenAiSimulator();
    await gone.close();
    const unreachable = createProviders({ baseUrls: { openai: gone.url } })('openai');
    const { error } = await hear(unreachable, question(openai.apiKey, MODEL));
    expect(error?.code).toBe('no-answer');
  });

  test('a redirect is not followed with the key', async () => {
    const raw = { status: 307, body: '{}', headers: { location: `${openai.url}/models` } };
    expect((await ask({ raw })).error?.code).toBe('no-answer');
    expect(openai.requests).toHaveLength(1);
  });
});

describe('a request that is refused for its shape is put otherwise', () => {
  test('a model that answers on the Responses API only is asked there, later at once', async () => {
    openai.models.push({ id: 'gpt-9-secret', only: 'responses' });
    expect((await ask({ text: 'Here.' }, 'gpt-9-secret')).text).toBe('Here.');
    expect((await ask({ text: 'Again.' }, 'gpt-9-secret')).text).toBe('Again.');
    expect(openai.completions().map(({ path }) => path)).toEqual([
      '/v1/chat/completions',
      '/v1/responses',
      '/v1/responses',
    ]);
  });

  test.each(['chat', 'responses'] as const)(
    'a model that may not be streamed is asked for the whole (%s)',
    async (api) => {
      const id = `gpt-9-unverified-${api}`;
      openai.models.push({
        id,
        streamingNeedsVerification: true,
        ...(api === 'responses' ? { only: api } : {}),
      });
      const heard = await ask({ text: 'All at once.', usage: { input: 5, output: 3 } }, id);
      expect([heard.text, heard.end, heard.usage?.outputTokens]).toEqual([
        'All at once.',
        'complete',
        3,
      ]);
    },
  );

  test('a model with a smaller limit of output is asked for that much', async () => {
    const body = JSON.stringify({
      error: {
        message:
          'max_tokens is too large: 8192. This model supports at most 4096 completion tokens, whereas you provided 8192.',
        type: 'invalid_request_error',
        param: 'max_tokens',
        code: null,
      },
    });
    openai.script([{ raw: { status: 400, body } }, { text: 'Fits.' }]);
    const { text } = await hear(
      provider,
      question(openai.apiKey, MODEL, { maxOutputTokens: 8_192 }),
    );
    expect(text).toBe('Fits.');
    expect(lastBody().max_completion_tokens).toBe(4_096);
  });

  test('a server that does not know the newer parameters is asked without them', async () => {
    const body = JSON.stringify({
      error: { message: 'Unrecognized request argument supplied: safety_identifier', type: 'x' },
    });
    openai.script([{ raw: { status: 400, body } }, { text: 'Fine.' }]);
    const { text } = await hear(
      provider,
      question(openai.apiKey, MODEL, { safetyIdentifier: 'u' }),
    );
    expect(text).toBe('Fine.');
    expect(lastBody()).not.toHaveProperty('safety_identifier');
  });
});

test('that one key may not stream is not held against another', async () => {
  openai.models.push({ id: 'gpt-9-mixed', streamingNeedsVerification: true });
  expect((await ask({ text: 'Whole.' }, 'gpt-9-mixed')).text).toBe('Whole.');
  openai.models.splice(
    0,
    openai.models.length,
    ...openai.models.filter(({ id }) => id !== 'gpt-9-mixed'),
  );
  openai.models.push({ id: 'gpt-9-mixed' });
  expect((await ask({ text: 'In pieces.' }, 'gpt-9-mixed')).text).toBe('In pieces.');
  expect(lastBody().stream).toBe(true);
});

test('a connection that is only kept alive ends some day', async () => {
  provider = createProviders({
    baseUrls: { openai: openai.url },
    completionLimits: { totalMs: 80 },
  })('openai');
  const heard = await ask({ reasoning: 10_000, chunkDelayMs: 5 });
  expect(heard.error?.code).toBe('no-answer');
});

test('the environment adds nothing to a request', async () => {
  const names = {
    OPENAI_CUSTOM_HEADERS: 'X-Spy: yes',
    OPENAI_ORG_ID: 'org-spy',
    OPENAI_PROJECT_ID: 'proj-spy',
    OPENAI_ADMIN_KEY: 'spy',
    OPENAI_BASE_URL: 'http://127.0.0.1:9',
  };
  Object.assign(process.env, names);
  try {
    expect((await ask({})).end).toBe('complete');
    const sent = openai.completions().at(-1)?.headers;
    expect(JSON.stringify(sent)).not.toMatch(/spy|x-stainless|organization/i);
    expect(sent?.authorization).toBe(`Bearer ${openai.apiKey}`);
  } finally {
    for (const name of Object.keys(names)) delete process.env[name];
  }
});

describe('keys', () => {
  const check = (key: string) => provider.checkKey(new Secret(key), new AbortController().signal);

  test('are valid, limited or invalid', async () => {
    expect(await check(openai.apiKey)).toEqual({ result: 'valid' });
    expect(await check(openai.keys.add('limited'))).toEqual({ result: 'limited' });
    expect(await check(openai.keys.add('revoked'))).toEqual({ result: 'invalid' });
    expect(await check('unheard of')).toEqual({ result: 'invalid' });
    expect(await check(openai.keys.add('no-credit'))).toEqual({ result: 'valid' });
  });

  test('are unknown where the provider does not answer', async () => {
    const gone = await startOpenAiSimulator();
    await gone.close();
    provider = createProviders({ baseUrls: { openai: gone.url } })('openai');
    expect(await check(openai.apiKey)).toEqual({ result: 'unknown' });
  });

  test('that are no header are answered, not thrown', async () => {
    expect((await check('line\nbreak')).result).toBe('unknown');
    const { error } = await hear(provider, question('line\nbreak', MODEL));
    expect(error?.code).toBe('no-answer');
  });

  test('list the models for text, newest first', async () => {
    const ids = (
      await provider.listModels(new Secret(openai.apiKey), new AbortController().signal)
    ).map(({ id }) => id);
    expect(ids[0]).toMatch(/^gpt-5\.6/);
    expect(ids.indexOf('gpt-4o-mini')).toBeGreaterThan(ids.indexOf('gpt-5.4'));
    expect(ids.join()).not.toMatch(/tts|embedding|whisper|moderation|image/);
  });

  test('that may not list models say so', async () => {
    const key = new Secret(openai.keys.add('limited'));
    await expect(provider.listModels(key, new AbortController().signal)).rejects.toMatchObject({
      code: 'no-permission',
    });
  });
});

test('an error event is told by its words, whatever stands where its code should', () => {
  const words = { message: 'Rate limit reached.', type: 'rate_limit' };
  for (const code of [{ toString: 1 }, ['429'], null, true, '429', 429]) {
    expect(streamError({ ...words, code })).toMatchObject({ code: 'rate-limited' });
    expect(streamError({ ...words, status: code })).toMatchObject({ code: 'rate-limited' });
  }
});
