/** How Chat Completions and Responses put an answer on the wire. */

import type { Behaviour, FakeUsage } from './behaviour.ts';
import { type Dialect, fakeTokens } from './sse.ts';

export interface AnswerFacts {
  readonly model: string;
  readonly behaviour: Behaviour & { readonly text: string };
  readonly inputTokens: number;
  readonly includeUsage: boolean;
}

const CREATED = 1_795_000_000;
const MID_STREAM = {
  overloaded: {
    message: 'The server is overloaded.',
    type: 'server_error',
    code: 'server_is_overloaded',
  },
  'server-error': {
    message: 'The server had an error.',
    type: 'server_error',
    code: 'server_error',
  },
  'rate-limited': { message: 'Rate limit reached.', type: 'tokens', code: 'rate_limit_exceeded' },
} as const;

function usageOf({ behaviour, inputTokens }: AnswerFacts): FakeUsage | undefined {
  if (behaviour.usage === 'none') return undefined;
  return behaviour.usage ?? { input: inputTokens, output: fakeTokens(behaviour.text) };
}

function chatUsage(facts: AnswerFacts): object | undefined {
  const usage = usageOf(facts);
  if (usage === undefined) return undefined;
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}

function chatFinish({ behaviour }: AnswerFacts): string {
  const reasons = { complete: 'stop', length: 'length', refusal: 'content_filter' } as const;
  return reasons[behaviour.finish ?? 'complete'];
}

export function chatDialect(facts: AnswerFacts): Dialect {
  const chunk = (delta: object, finish: string | null, more: object = {}): object => ({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: CREATED,
    model: facts.model,
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...more,
  });
  const none = facts.includeUsage ? { usage: null } : {};
  return {
    begin: (write) => write.event(chunk({ role: 'assistant', content: '' }, null, none)),
    reasoning: (write, text) => write.event(chunk({ reasoning_content: text }, null, none)),
    text: (write, text) => write.event(chunk({ content: text }, null, none)),
    error: (write, kind) => write.event({ error: { ...MID_STREAM[kind], param: null } }),
    end(write) {
      write.event(chunk({}, chatFinish(facts), none));
      const usage = chatUsage(facts);
      if (facts.includeUsage && usage !== undefined) {
        write.event(chunk({}, null, { choices: [], usage }));
      }
      write.event('[DONE]');
    },
  };
}

export function chatObject(facts: AnswerFacts): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: CREATED,
    model: facts.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: facts.behaviour.text, refusal: null },
        finish_reason: chatFinish(facts),
      },
    ],
    usage: chatUsage(facts),
  };
}

export function responseObject(facts: AnswerFacts): object {
  const usage = usageOf(facts);
  const finish = facts.behaviour.finish ?? 'complete';
  const incomplete = { length: 'max_output_tokens', refusal: 'content_filter', complete: null }[
    finish
  ];
  return {
    id: 'resp_1',
    object: 'response',
    created_at: CREATED,
    model: facts.model,
    status: incomplete === null ? 'completed' : 'incomplete',
    incomplete_details: incomplete === null ? null : { reason: incomplete },
    error: null,
    output: [
      {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: facts.behaviour.text, annotations: [] }],
      },
    ],
    usage:
      usage === undefined
        ? null
        : {
            input_tokens: usage.input,
            input_tokens_details: { cached_tokens: usage.cached ?? 0 },
            output_tokens: usage.output,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: usage.input + usage.output,
          },
  };
}

export function responsesDialect(facts: AnswerFacts): Dialect {
  let sequence = 0;
  const event = (type: string, more: object): [object, string] => [
    { type, sequence_number: sequence++, ...more },
    type,
  ];
  const started = { ...responseObject(facts), status: 'in_progress', output: [], usage: null };
  const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
  return {
    begin(write) {
      write.event(...event('response.created', { response: started }));
      write.event(...event('response.in_progress', { response: started }));
    },
    reasoning: (write, delta) =>
      write.event(
        ...event('response.reasoning_summary_text.delta', { ...at, summary_index: 0, delta }),
      ),
    text: (write, delta) =>
      write.event(...event('response.output_text.delta', { ...at, delta, logprobs: [] })),
    error(write, kind) {
      const { code, message } = MID_STREAM[kind];
      write.event(
        ...event('response.failed', {
          response: { ...started, status: 'failed', error: { code, message } },
        }),
      );
    },
    end(write) {
      const whole = responseObject(facts);
      const finish = facts.behaviour.finish ?? 'complete';
      const type = finish === 'complete' ? 'response.completed' : 'response.incomplete';
      write.event(...event(type, { response: whole }));
    },
  };
}
