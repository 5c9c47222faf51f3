/** What a provider answers, through its real SDK. */

import fc from 'fast-check';
import { expect } from 'vitest';
import { concludeTurn } from '../../../src/conversation/turn-result.ts';
import { createPrices } from '../../../src/funding/prices.ts';
import { createAnthropic } from '../../../src/llm/anthropic.ts';
import { providerEntry } from '../../../src/llm/catalogue.ts';
import { createOpenAi } from '../../../src/llm/openai.ts';
import { type Provider, ProviderError } from '../../../src/llm/provider.ts';
import { Secret } from '../../../src/secret.ts';
import { hear, question } from '../../llm/support.ts';
import { bent, bentJson, oddText } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';
import { type Answer, tinyServer } from '../tiny-server.ts';

const LIMITS = { firstByteMs: 2000, silenceMs: 2000, totalMs: 4000 };
const KEY = 'no-key-at-all';

const CHAT = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' } }] },
  { choices: [{ index: 0, delta: { content: [{ type: 'text', text: 'lo' }] } }] },
  { choices: [{ index: 0, delta: { refusal: 'no' } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
  {
    choices: [],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 4,
      total_tokens: 9,
      prompt_tokens_details: { cached_tokens: 1 },
    },
  },
  { error: { message: 'rate limited', type: 'rate_limit', code: 429 } },
];

const RESPONSE = {
  status: 'completed',
  output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello' }] }],
  usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 1 }, output_tokens: 4 },
};
const RESPONSES = [
  { type: 'response.created', response: { ...RESPONSE, status: 'in_progress' } },
  { type: 'response.output_text.delta', delta: 'Hello' },
  { type: 'response.refusal.delta', delta: 'no' },
  { type: 'response.completed', response: RESPONSE },
  {
    type: 'response.incomplete',
    response: { ...RESPONSE, status: 'incomplete', incomplete_details: { reason: 'x' } },
  },
  {
    type: 'response.failed',
    response: { ...RESPONSE, status: 'failed', error: { code: 'server_error', message: 'x' } },
  },
  { type: 'error', message: 'x', code: 'rate_limit_exceeded' },
];

const USAGE = { input_tokens: 3, cache_read_input_tokens: 1, output_tokens: 4 };
const ANTHROPIC = [
  { type: 'message_start', message: { usage: { ...USAGE, cache_creation_input_tokens: 2 } } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
  { type: 'error', error: { type: 'overloaded_error', message: 'x' } },
];

/** A stream: events that are bent, named or not, with noise in between, cut anywhere. */
function streams(samples: readonly object[]): fc.Arbitrary<Answer> {
  const event = fc
    .tuple(
      fc.oneof(
        bentJson(samples),
        bent(samples).map((value) => JSON.stringify(value)),
      ),
      fc.constantFrom('', 'event: x\n', 'name'),
    )
    .map(([data, name]) => `${name === 'name' ? nameOf(data) : name}data: ${data}\n\n`);
  const noise = fc.oneof(
    fc.constantFrom(': keep-alive\n\n', 'data: [DONE]\n\n', '\r\n\r\n', 'data:', 'retry: 1\n\n'),
    oddText,
  );
  return fc
    .tuple(
      fc.array(fc.oneof({ weight: 8, arbitrary: event }, { weight: 1, arbitrary: noise }), {
        maxLength: 12,
      }),
      fc.constantFrom('', 'data: [DONE]\n\n'),
      fc.array(fc.nat({ max: 400 }), { maxLength: 6 }),
      fc.boolean(),
    )
    .map(([events, end, pieces, breaksOff]) => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: events.join('') + end,
      pieces,
      breaksOff: breaksOff && pieces.length === 0,
    }));
}

/** As Anthropic names its events. */
function nameOf(json: string): string {
  const type = /"type":"([\w.]+)"/.exec(json)?.[1];
  return type === undefined ? '' : `event: ${type}\n`;
}

const REFUSALS = [
  {
    error: { message: 'Incorrect API key', type: 'invalid_request_error', code: 'invalid_api_key' },
  },
  { error: { message: 'max_tokens: 8192 > 4096', type: 'invalid_request_error' } },
  { error: { message: 'This model is only supported in v1/responses' } },
  { error: { message: 'Your organization must be verified to stream this model' } },
  [{ error: { status: 'RESOURCE_EXHAUSTED', details: [{ reason: 'x' }] } }],
  { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
];
const refusals: fc.Arbitrary<Answer> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(400, 401, 403, 404, 413, 422, 429, 500, 529),
      fc.integer({ min: 200, max: 599 }),
    ),
    fc.constantFrom(
      '0',
      '1',
      '-5',
      '1e9',
      '9'.repeat(400),
      'soon',
      'Fri, 31 Dec 9999 23:59:59 GMT',
    ),
    fc.constantFrom('application/json', 'text/html', 'text/event-stream', ''),
    bentJson(REFUSALS),
  )
  .map(([status, wait, type, body]) => ({
    // These have no body, or lead elsewhere.
    status: status === 204 || status === 205 || status === 304 ? 200 : status,
    headers: { 'content-type': type, 'retry-after': wait },
    body,
    pieces: [],
    breaksOff: false,
  }));

/** One answer to everything that is asked. */
async function asked(
  make: (baseUrl: string) => Provider,
  model: string,
  answer: Answer,
): Promise<void> {
  const baseUrl = await tinyServer(answer);
  const heard = await hear(make(baseUrl), question(KEY, model));
  expect(heard.end !== undefined).toBe(heard.error === undefined);
  const { error } = heard;
  if (error !== undefined) {
    expect(error.message).not.toContain(KEY);
    const wait = error.retryAfterMs ?? 0;
    expect(wait).toBeGreaterThanOrEqual(0);
    expect(wait).toBeLessThanOrEqual(86_400_000);
  }
  for (const event of heard.events)
    if (event.type === 'text') expect(typeof event.text).toBe('string');
  expectCost(heard);
}

const prices = createPrices({ overrides: { 'openai/x': { input: 100_000, output: 100_000 } } });

/** What an absurd count comes to: what was reserved, at the most. */
function expectCost({ text, usage, end, error }: Awaited<ReturnType<typeof hear>>): void {
  const price = prices.priceOf('openai', 'x');
  if (price === undefined) throw new Error('no price');
  const result = concludeTurn({
    streamed: {
      text,
      usage,
      ending:
        error === undefined
          ? { type: 'end', reason: end === 'length' ? 'length' : 'complete' }
          : { type: 'error', error },
    },
    aborted: undefined,
    paidBy: 'house',
    costMicros: (counted) => prices.costMicros(price, counted),
    priceAssumed: false,
    reservedMicros: 5000,
    estimatedInput: 10,
    clamped: false,
  });
  const { costMicros = 0, usage: counted } = result;
  expect(Number.isSafeInteger(costMicros)).toBe(true);
  expect(costMicros).toBeGreaterThanOrEqual(0);
  expect(costMicros).toBeLessThanOrEqual(5000);
  for (const count of Object.values(counted ?? {})) {
    expect(Number.isSafeInteger(count)).toBe(true);
    expect(count).toBeGreaterThanOrEqual(0);
  }
}

const openAi = (baseUrl: string) =>
  createOpenAi({
    entry: providerEntry('openai'),
    baseUrl,
    completionLimits: LIMITS,
    queryLimits: LIMITS,
  });
const anthropic = (baseUrl: string) =>
  createAnthropic({
    entry: providerEntry('anthropic'),
    baseUrl,
    completionLimits: LIMITS,
    queryLimits: LIMITS,
  });

export const chatStreams = holds('streams of Chat Completions', streams(CHAT), (answer) =>
  asked(openAi, 'gpt-4o', answer),
);
export const responseStreams = holds('streams of Responses', streams(RESPONSES), (answer) =>
  asked(openAi, 'gpt-5-pro', answer),
);
export const anthropicStreams = holds('streams of Anthropic', streams(ANTHROPIC), (answer) =>
  asked(anthropic, 'claude-sonnet-5', answer),
);
export const providerRefusals = holds('what providers refuse with', refusals, async (answer) => {
  await asked(openAi, 'gpt-4o', answer);
  await asked(anthropic, 'claude-sonnet-5', answer);
});

const LISTS = [
  {
    data: [
      { id: 'gpt-5', created: 1, active: true, capabilities: { completion_chat: true } },
      { id: 'models/gemini-3', display_name: 'Gemini', created_at: '2026-01-01' },
      { id: 'x', architecture: { output_modalities: ['text'] } },
    ],
  },
];
export const modelLists = holds('lists of models', bentJson(LISTS), async (body) => {
  const headers = { 'content-type': 'application/json' };
  const baseUrl = await tinyServer({ status: 200, headers, body, pieces: [], breaksOff: false });
  const signal = new AbortController().signal;
  for (const provider of [openAi(baseUrl), anthropic(baseUrl)]) {
    await throwsOnly([ProviderError], async () => {
      const models = await provider.listModels(new Secret(KEY), signal);
      expect(models.length).toBeLessThanOrEqual(200);
      for (const { id } of models) expect(typeof id).toBe('string');
    });
    const { result } = await provider.checkKey(new Secret(KEY), signal);
    expect(result).toBeOneOf(['valid', 'limited', 'invalid', 'unknown']);
  }
});
