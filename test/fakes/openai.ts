/** OpenAI over HTTP, as far as Latchkey speaks with it; also the services that speak its API. */

import {
  type Behaviour,
  ConcurrencyCounter,
  KeyBook,
  type KeyState,
  randomText,
  type Script,
  Scripts,
} from './behaviour.ts';
import { type Exchange, type RecordedRequest, sendJson, startFakeServer, waitFor } from './http.ts';
import { chatBodyProblem, isRecord, lastQuestion, responsesBodyProblem } from './openai-check.ts';
import { chatDialect, chatObject, responseObject, responsesDialect } from './openai-dialects.ts';
import {
  type ErrorAnswer,
  failureAnswer,
  incorrectKey,
  missingScopes,
  noSuchModel,
  onlyOnResponses,
  openAiError,
  streamingNeedsVerification,
} from './openai-errors.ts';
import { type ModerationScript, moderate } from './openai-moderation.ts';
import { answerEarly, fakeTokens, keyOf, retryAfterHeader, streamAnswer } from './sse.ts';

export interface FakeModel {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created?: number;
  readonly only?: 'responses';
  /** The organization is not verified: streaming is refused. */
  readonly streamingNeedsVerification?: boolean;
}

export interface OpenAiSimulatorOptions {
  readonly models?: readonly FakeModel[];
  /** Every answer in one chunk and without waiting. */
  readonly answersAtOnce?: boolean;
  /** False for a compatible service, which takes `max_tokens` too. */
  readonly strict?: boolean;
}

export interface OpenAiSimulator {
  /** The base URL, which ends in `/v1`. */
  readonly url: string;
  /** A valid key. */
  readonly apiKey: string;
  readonly keys: KeyBook;
  readonly models: FakeModel[];
  readonly requests: RecordedRequest[];
  /** The requests for completions among them. */
  completions(): RecordedRequest[];
  /** A list is used up one a completion; a function stays. */
  script(behaviours: readonly Behaviour[] | Script): void;
  /** The requests for moderation among all. */
  moderations(): RecordedRequest[];
  /** By default everything passes. */
  moderate(script: ModerationScript): void;
  activeRequests(): number;
  /** The most completions at once, of all or of one `safety_identifier`. */
  maxConcurrent(safetyIdentifier?: string): number;
  waitFor: typeof waitFor;
  close(): Promise<void>;
}

const MODELS: readonly FakeModel[] = [
  { id: 'gpt-5.4', created: 1_772_000_000 },
  { id: 'gpt-5.4-mini', created: 1_772_000_100 },
  { id: 'gpt-5.6-luna', created: 1_780_000_000 },
  { id: 'gpt-5.6-terra', created: 1_780_000_100 },
  { id: 'gpt-5.4-pro', created: 1_772_000_200, only: 'responses' },
  { id: 'gpt-4o-mini', created: 1_721_000_000 },
  { id: 'gpt-4o-mini-tts', created: 1_742_000_000 },
  { id: 'text-embedding-3-small', created: 1_705_000_000 },
  { id: 'whisper-1', created: 1_677_000_000 },
  { id: 'omni-moderation-latest', created: 1_731_000_000 },
  { id: 'gpt-image-1', created: 1_745_000_000 },
];

export async function startOpenAiSimulator({
  models: given = MODELS,
  answersAtOnce = false,
  strict = true,
}: OpenAiSimulatorOptions = {}): Promise<OpenAiSimulator> {
  const keys = new KeyBook(() => `sk-${'proj'}-${randomText(48)}`);
  const models = [...given];
  const scripts = new Scripts(answersAtOnce ? { atOnce: true } : {});
  const counter = new ConcurrencyCounter();
  let moderation: ModerationScript = () => ({});

  const refuse = (exchange: Exchange, answer: ErrorAnswer, headers = {}): void =>
    sendJson(exchange.response, answer.status, answer.body, headers);

  const complete = async (
    exchange: Exchange,
    api: 'chat' | 'responses',
    key: string,
  ): Promise<void> => {
    const { request } = exchange;
    const { body } = request;
    const problem = api === 'chat' ? chatBodyProblem(body, strict) : responsesBodyProblem(body);
    if (problem !== undefined || !isRecord(body)) {
      return refuse(exchange, problem ?? openAiError(400, 'no body'));
    }
    const id = String(body.model);
    const model = models.find((known) => known.id === id);
    if (model === undefined) return refuse(exchange, noSuchModel(id));
    if (model.only === 'responses' && api === 'chat') return refuse(exchange, onlyOnResponses);
    const stream = body.stream === true;
    if (stream && model.streamingNeedsVerification === true) {
      return refuse(exchange, streamingNeedsVerification);
    }

    const behaviour = scripts.take(lastQuestion(body.messages ?? body.input), request);
    if (await answerEarly(exchange, behaviour)) return;
    if (behaviour.fail !== undefined) {
      return refuse(exchange, failureAnswer(behaviour.fail, key, id), retryAfterHeader(behaviour));
    }
    const facts = {
      model: id,
      behaviour,
      inputTokens: fakeTokens(JSON.stringify(body.messages ?? body.input)),
      includeUsage: isRecord(body.stream_options) && body.stream_options.include_usage === true,
    };
    if (stream) {
      const dialect = api === 'chat' ? chatDialect(facts) : responsesDialect(facts);
      return streamAnswer(exchange, behaviour, dialect);
    }
    sendJson(exchange.response, 200, api === 'chat' ? chatObject(facts) : responseObject(facts));
  };

  const server = await startFakeServer(async (exchange) => {
    const { request } = exchange;
    const key = keyOf(exchange) ?? '';
    const state = keys.state(key);
    const path = request.path.replace(/\?.*$/, '').replace(/^.*\/v1(?=\/)/, '');
    if (state === 'unknown' || state === 'revoked') {
      return refuse(
        exchange,
        key === '' ? openAiError(401, "You didn't provide an API key.") : incorrectKey(key),
      );
    }
    const limited = typeof state === 'object' ? state.rateLimitedForSeconds : undefined;

    if (request.method === 'GET' && path === '/models') {
      if (state === 'limited') return refuse(exchange, missingScopes('api.model.read'));
      const data = models.map(({ id, created = 0 }) => ({
        id,
        object: 'model',
        created,
        owned_by: 'system',
      }));
      return sendJson(exchange.response, 200, { object: 'list', data });
    }
    const check = request.method === 'GET' ? keyCheckAnswer(path, state) : undefined;
    if (check !== undefined) return sendJson(exchange.response, 200, check);

    // Free of charge: no credit is needed.
    if (request.method === 'POST' && path === '/moderations' && limited === undefined) {
      return moderate(exchange, moderation, key);
    }
    const api =
      path === '/chat/completions' ? 'chat' : path === '/responses' ? 'responses' : undefined;
    if (request.method !== 'POST' || api === undefined) {
      return refuse(exchange, openAiError(404, `Invalid URL (${request.method} ${request.path})`));
    }
    const model = isRecord(request.body) ? String(request.body.model) : '';
    if (state === 'no-credit') return refuse(exchange, failureAnswer('no-credit', key, model));
    if (limited !== undefined) {
      return refuse(exchange, failureAnswer('rate-limited', key, model), {
        'retry-after': String(limited),
      });
    }
    const identifier = isRecord(request.body) ? request.body.safety_identifier : undefined;
    const leave = [counter.enter('*'), counter.enter(`user ${String(identifier)}`)];
    try {
      await complete(exchange, api, key);
    } finally {
      for (const left of leave) left();
    }
  });

  return {
    url: `${server.origin}/v1`,
    apiKey: keys.add('valid'),
    keys,
    models,
    requests: server.requests,
    completions: () =>
      server.requests.filter(({ path }) => /\/(chat\/completions|responses)$/.test(path)),
    script: (behaviours) => scripts.script(behaviours),
    moderations: () => server.requests.filter(({ path }) => /\/moderations$/.test(path)),
    moderate: (script) => {
      moderation = script;
    },
    activeRequests: server.activeRequests,
    maxConcurrent: (identifier) =>
      counter.most(identifier === undefined ? '*' : `user ${identifier}`),
    waitFor,
    close: server.close,
  };
}

/** How OpenRouter, xAI and DeepSeek tell about a key. */
function keyCheckAnswer(path: string, state: KeyState): unknown {
  switch (path) {
    case '/key':
      return { data: { label: 'sk-or-v1-abc...def', usage: 0, limit: null, is_free_tier: false } };
    case '/api-key':
      return {
        redacted_api_key: 'xai-...b14o',
        acls: ['api-key:model:*', 'api-key:endpoint:*'],
        team_blocked: false,
        api_key_blocked: false,
        api_key_disabled: false,
      };
    case '/user/balance':
      return {
        is_available: state !== 'no-credit',
        balance_infos: [
          { currency: 'USD', total_balance: state === 'no-credit' ? '0.00' : '9.50' },
        ],
      };
    default:
      return undefined;
  }
}
