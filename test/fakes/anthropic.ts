/** Anthropic over HTTP, as far as Latchkey speaks with it. */

import {
  anthropicBodyProblem,
  anthropicError,
  type ErrorAnswer,
  failureAnswer,
} from './anthropic-errors.ts';
import {
  type Behaviour,
  ConcurrencyCounter,
  KeyBook,
  randomText,
  type Script,
  Scripts,
} from './behaviour.ts';
import { type Exchange, type RecordedRequest, sendJson, startFakeServer, waitFor } from './http.ts';
import { isRecord, lastQuestion } from './openai-check.ts';
import {
  answerEarly,
  type Dialect,
  fakeTokens,
  keyOf,
  retryAfterHeader,
  streamAnswer,
} from './sse.ts';

export interface FakeClaude {
  readonly id: string;
  readonly displayName?: string;
  /** RFC 3339 */
  readonly createdAt?: string;
}

export interface AnthropicSimulatorOptions {
  readonly models?: readonly FakeClaude[];
  /** Every answer in one chunk and without waiting. */
  readonly answersAtOnce?: boolean;
}

export interface AnthropicSimulator {
  /** The base URL, to which `/v1/messages` is added. */
  readonly url: string;
  /** A valid key. */
  readonly apiKey: string;
  readonly keys: KeyBook;
  readonly models: FakeClaude[];
  readonly requests: RecordedRequest[];
  completions(): RecordedRequest[];
  /** A list is used up one a completion; a function stays. */
  script(behaviours: readonly Behaviour[] | Script): void;
  activeRequests(): number;
  /** The most completions at once, of all or of one `metadata.user_id`. */
  maxConcurrent(userId?: string): number;
  waitFor: typeof waitFor;
  close(): Promise<void>;
}

const MODELS: readonly FakeClaude[] = [
  { id: 'claude-haiku-4-5', displayName: 'Claude Haiku 4.5', createdAt: '2025-10-01T00:00:00Z' },
  { id: 'claude-sonnet-5', displayName: 'Claude Sonnet 5', createdAt: '2026-06-01T00:00:00Z' },
  { id: 'claude-opus-5-5', displayName: 'Claude Opus 5.5', createdAt: '2026-09-01T00:00:00Z' },
];

export async function startAnthropicSimulator({
  models: given = MODELS,
  answersAtOnce = false,
}: AnthropicSimulatorOptions = {}): Promise<AnthropicSimulator> {
  const keys = new KeyBook(() => `sk-${'ant'}-api03-${randomText(93)}AA`);
  const models = [...given];
  const scripts = new Scripts(answersAtOnce ? { atOnce: true } : {});
  const counter = new ConcurrencyCounter();

  const refuse = (exchange: Exchange, answer: ErrorAnswer, headers = {}): void =>
    sendJson(exchange.response, answer.status, answer.body, {
      'request-id': 'req_011',
      ...headers,
    });

  const complete = async (exchange: Exchange): Promise<void> => {
    const { body } = exchange.request;
    const problem = anthropicBodyProblem(body);
    if (problem !== undefined || !isRecord(body)) {
      return refuse(exchange, problem ?? anthropicError(400, 'invalid_request_error', 'no body'));
    }
    const model = String(body.model);
    if (!models.some(({ id }) => id === model)) {
      return refuse(exchange, failureAnswer('model-gone', model));
    }
    const behaviour = scripts.take(lastQuestion(body.messages), exchange.request);
    if (await answerEarly(exchange, behaviour)) return;
    if (behaviour.fail !== undefined) {
      return refuse(exchange, failureAnswer(behaviour.fail, model), retryAfterHeader(behaviour));
    }
    const inputTokens = fakeTokens(JSON.stringify([body.system, body.messages]));
    if (body.stream === true) {
      return streamAnswer(exchange, behaviour, messagesDialect(model, behaviour, inputTokens));
    }
    refuse(exchange, anthropicError(400, 'invalid_request_error', 'this simulator only streams'));
  };

  const server = await startFakeServer(async (exchange) => {
    const { request } = exchange;
    const path = request.path.replace(/\?.*$/, '');
    const state = keys.state(keyOf(exchange));
    if (state === 'unknown' || state === 'revoked') {
      return refuse(exchange, failureAnswer('key-refused', ''));
    }
    if (typeof request.headers['anthropic-version'] !== 'string') {
      return refuse(
        exchange,
        anthropicError(400, 'invalid_request_error', 'anthropic-version: header is required'),
      );
    }
    if (request.method === 'GET' && path === '/v1/models') {
      if (state === 'limited') return refuse(exchange, failureAnswer('no-permission', ''));
      const data = models.map(({ id, displayName = id, createdAt = '2026-01-01T00:00:00Z' }) => ({
        type: 'model',
        id,
        display_name: displayName,
        created_at: createdAt,
      }));
      return sendJson(exchange.response, 200, {
        data,
        has_more: false,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
      });
    }
    if (request.method !== 'POST' || path !== '/v1/messages') {
      return refuse(exchange, anthropicError(404, 'not_found_error', 'Not found'));
    }
    if (state === 'no-credit') return refuse(exchange, failureAnswer('no-credit', ''));
    if (typeof state === 'object') {
      return refuse(exchange, failureAnswer('rate-limited', ''), {
        'retry-after': String(state.rateLimitedForSeconds),
      });
    }
    const metadata = isRecord(request.body) ? request.body.metadata : undefined;
    const userId = isRecord(metadata) ? metadata.user_id : undefined;
    const leave = [counter.enter('*'), counter.enter(`user ${String(userId)}`)];
    try {
      await complete(exchange);
    } finally {
      for (const left of leave) left();
    }
  });

  return {
    url: server.origin,
    apiKey: keys.add('valid'),
    keys,
    models,
    requests: server.requests,
    completions: () => server.requests.filter(({ path }) => path.startsWith('/v1/messages')),
    script: (behaviours) => scripts.script(behaviours),
    activeRequests: server.activeRequests,
    maxConcurrent: (userId) => counter.most(userId === undefined ? '*' : `user ${userId}`),
    waitFor,
    close: server.close,
  };
}

function messagesDialect(
  model: string,
  behaviour: Behaviour & { readonly text: string },
  inputTokens: number,
): Dialect {
  const told =
    behaviour.usage === 'none'
      ? undefined
      : (behaviour.usage ?? { input: inputTokens, output: fakeTokens(behaviour.text) });
  const cached = told?.cached ?? 0;
  const written = told?.cacheWrite ?? 0;
  const input = {
    input_tokens: (told?.input ?? 0) - cached - written,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: written,
  };
  const stopReasons = { complete: 'end_turn', length: 'max_tokens', refusal: 'refusal' } as const;
  let block = -1;
  let kind: 'thinking' | 'text' | undefined;
  const open = (write: Parameters<Dialect['begin']>[0], next: 'thinking' | 'text'): void => {
    if (kind === next) return;
    if (kind !== undefined)
      write.event({ type: 'content_block_stop', index: block }, 'content_block_stop');
    kind = next;
    block++;
    const content_block =
      next === 'text'
        ? { type: 'text', text: '' }
        : { type: 'thinking', thinking: '', signature: '' };
    write.event(
      { type: 'content_block_start', index: block, content_block },
      'content_block_start',
    );
  };
  const delta = (write: Parameters<Dialect['begin']>[0], part: object): void =>
    write.event({ type: 'content_block_delta', index: block, delta: part }, 'content_block_delta');

  return {
    begin(write) {
      const message = {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...input, output_tokens: told === undefined ? 0 : 1 },
      };
      write.event({ type: 'message_start', message }, 'message_start');
      write.event({ type: 'ping' }, 'ping');
    },
    reasoning(write, thinking) {
      open(write, 'thinking');
      delta(write, { type: 'thinking_delta', thinking });
    },
    text(write, text) {
      open(write, 'text');
      delta(write, { type: 'text_delta', text });
    },
    error(write, error) {
      const types = {
        overloaded: 'overloaded_error',
        'server-error': 'api_error',
        'rate-limited': 'rate_limit_error',
      } as const;
      write.event({ type: 'error', error: { type: types[error], message: 'Overloaded' } }, 'error');
    },
    end(write) {
      if (kind !== undefined)
        write.event({ type: 'content_block_stop', index: block }, 'content_block_stop');
      write.event(
        {
          type: 'message_delta',
          delta: { stop_reason: stopReasons[behaviour.finish ?? 'complete'], stop_sequence: null },
          usage: { output_tokens: told?.output ?? 0 },
        },
        'message_delta',
      );
      write.event({ type: 'message_stop' }, 'message_stop');
    },
  };
}
