import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnthropicSimulator, startAnthropicSimulator } from '../fakes/anthropic.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';

let openai: OpenAiSimulator;
let anthropic: AnthropicSimulator;

beforeAll(async () => {
  [openai, anthropic] = await Promise.all([startOpenAiSimulator(), startAnthropicSimulator()]);
});
afterAll(() => Promise.all([openai.close(), anthropic.close()]));

async function post(url: string, body: unknown, headers: Record<string, string>): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return `${response.status} ${await response.text()}`;
}

const USER = { role: 'user', content: 'Hello' };

describe('the simulated OpenAI refuses', () => {
  const chat = (body: object, key = openai.apiKey): Promise<string> =>
    post(
      `${openai.url}/chat/completions`,
      { model: 'gpt-5.4-mini', messages: [USER], ...body },
      { authorization: `Bearer ${key}` },
    );

  test.each([
    ['an unknown model', { model: 'gpt-0' }, /^404 .*model_not_found/],
    ['a model of the Responses API', { model: 'gpt-5.4-pro' }, /^404 .*v1\/responses/],
    ['an unknown parameter', { max_token: 1 }, /^400 .*Unrecognized/],
    ['max_tokens', { max_tokens: 1 }, /^400 .*max_completion_tokens/],
    ['no message', { messages: [] }, /^400 .*empty array/],
    ['an unknown role', { messages: [{ role: 'bot', content: 'x' }] }, /^400 .*role/],
    ['a message without content', { messages: [{ role: 'user', content: null }] }, /^400/],
    ['usage in a stream that is none', { stream_options: {} }, /^400 .*stream_options/],
  ])('%s', async (_what, body, answer) => {
    expect(await chat(body)).toMatch(answer);
  });

  test('a wrong key, of which it echoes the ends', async () => {
    const key = openai.keys.add('revoked');
    expect(await chat({}, key)).toMatch(
      new RegExp(`^401 .*${key.slice(0, 8)}\\*+${key.slice(-4)}`),
    );
    expect(await chat({}, '')).toMatch(/^401/);
  });

  test('a key without credit or over its rate', async () => {
    expect(await chat({}, openai.keys.add('no-credit'))).toMatch(/^429 .*insufficient_quota/);
    const limited = openai.keys.add({ rateLimitedForSeconds: 3 });
    expect(await chat({}, limited)).toMatch(/^429 .*rate_limit_exceeded/);
  });
});

describe('the simulated Anthropic refuses', () => {
  const messages = (body: object, headers = {}): Promise<string> =>
    post(
      `${anthropic.url}/v1/messages`,
      { model: 'claude-haiku-4-5', max_tokens: 9, messages: [USER], stream: true, ...body },
      { 'x-api-key': anthropic.apiKey, 'anthropic-version': '2023-06-01', ...headers },
    );

  test.each([
    ['no max_tokens', { max_tokens: undefined }, /^400 .*max_tokens: Field required/],
    ['an unknown model', { model: 'claude-0' }, /^404 .*not_found_error/],
    [
      'an answer first',
      { messages: [{ role: 'assistant', content: 'x' }] },
      /^400 .*first message/,
    ],
    [
      'a system message',
      { messages: [{ role: 'system', content: 'x' }] },
      /^400 .*Unexpected role/,
    ],
    ['an empty message', { messages: [{ role: 'user', content: '' }] }, /^400 .*non-empty/],
    ['an unknown parameter', { stop: 'x' }, /^400 .*Extra inputs/],
  ])('%s', async (_what, body, answer) => {
    expect(await messages(body)).toMatch(answer);
  });

  test('a request without its version', async () => {
    const response = await fetch(`${anthropic.url}/v1/models`, {
      headers: { 'x-api-key': anthropic.apiKey },
    });
    expect([response.status, await response.text()]).toEqual([
      400,
      expect.stringContaining('anthropic-version'),
    ]);
  });

  test('a wrong key', async () => {
    expect(await messages({}, { 'x-api-key': 'wrong' })).toMatch(/^401 .*authentication_error/);
  });
});

test('a standing script answers by the question, and requests at once are counted', async () => {
  openai.script((question) => ({ text: `You said ${question}`, delayMs: 30 }));
  const ask = (text: string, safety_identifier: string): Promise<string> =>
    post(
      `${openai.url}/chat/completions`,
      { model: 'gpt-5.4-mini', messages: [{ role: 'user', content: text }], safety_identifier },
      { authorization: `Bearer ${openai.apiKey}` },
    );
  const answers = await Promise.all([ask('one', 'a'), ask('two', 'b'), ask('three', 'b')]);
  expect(answers.map((answer) => /You said (\w+)/.exec(answer)?.[1])).toEqual([
    'one',
    'two',
    'three',
  ]);
  expect([openai.maxConcurrent(), openai.maxConcurrent('a'), openai.maxConcurrent('b')]).toEqual([
    3, 1, 2,
  ]);
});
