import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RemoteProviderId, remoteProviders } from '../../src/llm/catalogue.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import type { Behaviour } from '../fakes/behaviour.ts';
import { startFakeServer } from '../fakes/http.ts';
import { type OpenAiSimulator, startOpenAiSimulator } from '../fakes/openai.ts';
import { hear, question } from './support.ts';

const MODEL = 'some-model';
const signal = new AbortController().signal;
let service: OpenAiSimulator;

beforeAll(async () => {
  service = await startOpenAiSimulator({ models: [{ id: MODEL }], strict: false });
});
afterAll(() => service.close());
beforeEach(() => {
  service.requests.length = 0;
});

function provider(id: RemoteProviderId) {
  return createProviders({ baseUrls: { [id]: service.url } })(id);
}

function ask(id: RemoteProviderId, behaviour: Behaviour) {
  service.script([behaviour]);
  return hear(provider(id), question(service.apiKey, MODEL, { safetyIdentifier: 'u' }));
}

const compatible = remoteProviders.flatMap(({ id, api }) =>
  api === 'openai' && id !== 'openai' ? [id] : [],
);

describe.each(compatible)('%s', (id) => {
  test('answers, and gets no parameter that only OpenAI knows', async () => {
    const heard = await ask(id, { text: 'Hello there.' });
    expect([heard.text, heard.end]).toEqual(['Hello there.', 'complete']);
    const sent = Object.keys(service.completions()[0]?.body as object);
    expect(sent).not.toContain('safety_identifier');
    expect(sent).not.toContain('store');
    expect(sent.some((name) => /^max_(completion_)?tokens$/.test(name))).toBe(true);
  });

  test('tells a good key from a bad one', async () => {
    const good = await provider(id).checkKey(new Secret(service.apiKey), signal);
    const bad = await provider(id).checkKey(new Secret('nonsense'), signal);
    expect([good.result, bad.result]).toEqual(['valid', 'invalid']);
  });
});

test('a server that refuses parameters in the way of FastAPI is asked without them', async () => {
  const refusal = {
    detail: [
      {
        type: 'extra_forbidden',
        loc: ['body', 'stream_options'],
        msg: 'Extra inputs are not permitted',
      },
    ],
  };
  service.script([{ raw: { status: 422, body: JSON.stringify(refusal) } }, { text: 'Fine.' }]);
  const { text } = await hear(provider('groq'), question(service.apiKey, MODEL));
  expect(text).toBe('Fine.');
  expect(service.completions().at(-1)?.body).not.toHaveProperty('stream_options');
});

test.each([
  ['openrouter', '/v1/key'],
  ['xai', '/v1/api-key'],
  ['deepseek', '/v1/user/balance'],
  ['groq', '/v1/models'],
] as const)('%s checks keys at %s', async (id, path) => {
  await provider(id).checkKey(new Secret(service.apiKey), signal);
  expect(service.requests.map((request) => request.path)).toEqual([path]);
});

describe('errors in the shapes of other services are told apart', () => {
  test.each([
    [
      'openrouter',
      402,
      { error: { code: 402, message: 'This request requires more credits, or fewer max_tokens.' } },
      'no-credit',
    ],
    ['openrouter', 401, { error: { code: 401, message: 'User not found.' } }, 'key-refused'],
    [
      'openrouter',
      403,
      {
        error: {
          code: 403,
          message: 'Your chosen model requires moderation and your input was flagged',
          metadata: { reasons: ['violence'] },
        },
      },
      'refused-by-policy',
    ],
    [
      'openrouter',
      403,
      { error: { code: 403, message: 'Key limit exceeded (total limit).' } },
      'no-credit',
    ],
    [
      'openrouter',
      400,
      { error: { code: 400, message: 'x/y is not a valid model ID' } },
      'model-not-found',
    ],
    [
      'openrouter',
      404,
      { error: { code: 404, message: 'No endpoints found for x/y.' } },
      'model-not-found',
    ],
    [
      'groq',
      400,
      {
        error: {
          message: 'The model `gemma` has been decommissioned and is no longer supported.',
          type: 'invalid_request_error',
          code: 'model_decommissioned',
        },
      },
      'model-not-found',
    ],
    [
      'groq',
      413,
      {
        error: {
          message:
            'Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 9000',
          type: 'tokens',
          code: 'rate_limit_exceeded',
        },
      },
      'context-too-long',
    ],
    [
      'groq',
      400,
      {
        error: {
          message: 'Organization spend limit reached',
          type: 'invalid_request_error',
          code: 'blocked_api_access',
        },
      },
      'no-credit',
    ],
    [
      'gemini',
      400,
      [
        {
          error: {
            code: 400,
            message: 'API key not valid. Please pass a valid API key.',
            status: 'INVALID_ARGUMENT',
            details: [{ reason: 'API_KEY_INVALID' }],
          },
        },
      ],
      'key-refused',
    ],
    [
      'gemini',
      403,
      [
        {
          error: {
            code: 403,
            message: 'Your API key was reported as leaked. Please use another API key.',
            status: 'PERMISSION_DENIED',
          },
        },
      ],
      'key-refused',
    ],
    [
      'gemini',
      429,
      [
        {
          error: {
            code: 429,
            message: 'You exceeded your current quota, please check your plan and billing details.',
            status: 'RESOURCE_EXHAUSTED',
          },
        },
      ],
      'rate-limited',
    ],
    [
      'gemini',
      400,
      [
        {
          error: {
            code: 400,
            message:
              'The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).',
            status: 'INVALID_ARGUMENT',
          },
        },
      ],
      'context-too-long',
    ],
    [
      'gemini',
      404,
      [
        {
          error: {
            code: 404,
            message: 'models/gemini-1 is not found for API version v1main',
            status: 'NOT_FOUND',
          },
        },
      ],
      'model-not-found',
    ],
    [
      'gemini',
      503,
      [
        {
          error: {
            code: 503,
            message: 'The model is overloaded. Please try again later.',
            status: 'UNAVAILABLE',
          },
        },
      ],
      'overloaded',
    ],
    [
      'xai',
      400,
      {
        code: 'Client specified an invalid argument',
        error:
          'Incorrect API key provided: xa***zz. You can obtain an API key from https://console.x.ai.',
      },
      'key-refused',
    ],
    [
      'xai',
      403,
      {
        code: 'The caller does not have permission to execute the specified operation',
        error:
          'Your newly created team has no credits yet. Please purchase credits on https://console.x.ai.',
      },
      'no-credit',
    ],
    [
      'xai',
      429,
      {
        code: 'Some resource has been exhausted',
        error:
          'Your team has either used all available credits or reached its monthly spending limit.',
      },
      'no-credit',
    ],
    [
      'xai',
      404,
      {
        code: 'Some requested entity was not found',
        error: 'The model grok-1 does not exist or your team does not have access to it.',
      },
      'model-not-found',
    ],
    [
      'deepseek',
      402,
      {
        error: {
          message: 'Insufficient Balance',
          type: 'unknown_error',
          code: 'invalid_request_error',
        },
      },
      'no-credit',
    ],
    [
      'deepseek',
      400,
      { error: { message: 'Model Not Exist', type: 'invalid_request_error' } },
      'model-not-found',
    ],
    [
      'deepseek',
      401,
      {
        error: {
          message: 'Authentication Fails, Your api key: ****abcd is invalid',
          type: 'authentication_error',
        },
      },
      'key-refused',
    ],
    ['mistral', 401, { detail: 'Unauthorized' }, 'key-refused'],
    [
      'mistral',
      400,
      { object: 'error', message: 'Invalid model: mistral-x', type: 'invalid_model', code: '1500' },
      'model-not-found',
    ],
    ['mistral', 429, { message: 'Requests rate limit exceeded' }, 'rate-limited'],
    [
      'openai',
      403,
      {
        error: {
          message: 'Country, region, or territory not supported',
          code: 'unsupported_country_region_territory',
          type: 'request_forbidden',
        },
      },
      'no-permission',
    ],
    [
      'openai',
      404,
      {
        error: {
          message: 'Your organization must be verified to use the model `gpt-x`.',
          code: 'model_not_found',
        },
      },
      'no-permission',
    ],
    [
      'openai',
      401,
      {
        error: {
          message:
            'You have insufficient permissions for this operation. Missing scopes: model.request.',
        },
      },
      'no-permission',
    ],
  ] as const)('%s, HTTP %i %j: %s', async (id, status, body, code) => {
    const raw = { status, body: JSON.stringify(body) };
    service.script([{ raw }]);
    const asked = question(service.apiKey, MODEL);
    // The simulator is not strict, so that OpenAI's own parameters pass.
    const { error } = await hear(provider(id), asked);
    expect([error?.code, error?.status]).toEqual([code, status]);
  });

  test('a wait in the body counts', async () => {
    const body = JSON.stringify([
      { error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ retryDelay: '34.5s' }] } },
    ]);
    const { error } = await ask('gemini', { raw: { status: 429, body } });
    expect(error?.retryAfterMs).toBe(34_500);
  });

  test('a page of a proxy is not the provider refusing the request', async () => {
    const body = '<html><h1>404 Not Found: invalid model, invalid api key</h1></html>';
    const { error } = await ask('groq', { raw: { status: 404, body } });
    expect(error?.code).toBe('bad-request');
  });

  test('a page with status 200 is no answer of a model', async () => {
    const raw = { status: 200, body: '<html>Log in to the network</html>' };
    expect((await ask('groq', { raw })).error?.code).toBe('connection-broken');
  });
});

describe('a key is', () => {
  async function check(id: RemoteProviderId, status: number, body: string) {
    const server = await startFakeServer(async ({ response }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    try {
      const providers = createProviders({ baseUrls: { [id]: server.origin } });
      return (await providers(id).checkKey(new Secret('k'), signal)).result;
    } finally {
      await server.close();
    }
  }

  test.each([
    [
      'invalid where Google says 400',
      'gemini',
      400,
      '[{"error":{"message":"API key not valid."}}]',
      'invalid',
    ],
    ['invalid where xAI knows it as disabled', 'xai', 200, '{"api_key_disabled":true}', 'invalid'],
    ['limited where the list is forbidden', 'groq', 403, '{"error":{"message":"no"}}', 'limited'],
    ['unknown where a proxy forbids', 'groq', 403, '<html>blocked</html>', 'unknown'],
    [
      'unknown where the country is not served',
      'openai',
      403,
      '{"error":{"code":"unsupported_country_region_territory","message":"x"}}',
      'unknown',
    ],
    ['unknown where the provider fails', 'openai', 500, '{}', 'unknown'],
    [
      'unknown where too many were checked',
      'openai',
      429,
      '{"error":{"code":"rate_limit_exceeded"}}',
      'unknown',
    ],
    ['valid where only money is missing', 'openrouter', 402, '{"error":{"message":"x"}}', 'valid'],
  ] as const)('%s', async (_what, id, status, body, result) => {
    expect(await check(id, status, body)).toBe(result);
  });
});
