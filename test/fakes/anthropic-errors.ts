/** Anthropic's refusals, in their shape, and what it refuses about the body of a request. */

import type { Failure } from './behaviour.ts';
import { isRecord } from './openai-check.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: object;
}

export function anthropicError(status: number, type: string, message: string): ErrorAnswer {
  return {
    status,
    body: { type: 'error', error: { type, message }, request_id: 'req_011' },
  };
}

export function failureAnswer(failure: Failure, model: string): ErrorAnswer {
  switch (failure) {
    case 'key-refused':
      return anthropicError(401, 'authentication_error', 'invalid x-api-key');
    case 'no-permission':
      return anthropicError(
        403,
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      );
    case 'no-credit':
      return anthropicError(
        400,
        'invalid_request_error',
        'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
      );
    case 'rate-limited':
      return anthropicError(
        429,
        'rate_limit_error',
        "This request would exceed your organization's rate limit of 50 requests per minute.",
      );
    case 'overloaded':
      return anthropicError(529, 'overloaded_error', 'Overloaded');
    case 'server-error':
    case 'html':
      return anthropicError(500, 'api_error', 'Internal server error');
    case 'context-too-long':
      return anthropicError(
        400,
        'invalid_request_error',
        'prompt is too long: 210000 tokens > 200000 maximum',
      );
    case 'policy':
      return anthropicError(
        400,
        'invalid_request_error',
        'Output blocked by content filtering policy',
      );
    case 'model-gone':
      return anthropicError(404, 'not_found_error', `model: ${model}`);
    case 'bad-request':
      return invalid('messages.0.content: Input should be a valid list');
  }
}

const PARAMETERS = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'stream',
  'metadata',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'thinking',
  'tools',
  'tool_choice',
  'service_tier',
  'cache_control',
  'output_config',
]);

function invalid(message: string): ErrorAnswer {
  return anthropicError(400, 'invalid_request_error', message);
}

export function anthropicBodyProblem(body: unknown): ErrorAnswer | undefined {
  if (!isRecord(body)) return invalid('The request body is not valid JSON.');
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) return invalid(`${unknown}: Extra inputs are not permitted`);
  if (typeof body.max_tokens !== 'number') return invalid('max_tokens: Field required');
  if (body.max_tokens < 1) return invalid('max_tokens: Input should be greater than or equal to 1');
  const { messages } = body;
  if (!Array.isArray(messages)) return invalid('messages: Field required');
  if (messages.length === 0) return invalid('messages: at least one message is required');
  for (const [i, message] of messages.entries()) {
    if (!isRecord(message)) return invalid(`messages.${i}: Input should be a valid dictionary`);
    if (message.role !== 'user' && message.role !== 'assistant') {
      return invalid(
        `messages: Unexpected role "${String(message.role)}". The Messages API accepts a top-level \`system\` parameter, not "system" as an input message role.`,
      );
    }
    if (i === 0 && message.role !== 'user') {
      return invalid('messages: first message must use the "user" role');
    }
    const empty = emptyContent(message.content, i, messages.length);
    if (empty !== undefined) return empty;
  }
  return undefined;
}

function emptyContent(content: unknown, i: number, count: number): ErrorAnswer | undefined {
  if (content === '' || (Array.isArray(content) && content.length === 0)) {
    return i === count - 1
      ? invalid(`messages.${i}: user messages must have non-empty content`)
      : invalid(
          `messages.${i}: all messages must have non-empty content except for the optional final assistant message`,
        );
  }
  if (!Array.isArray(content)) return undefined;
  for (const part of content) {
    if (!isRecord(part) || part.type !== 'text') continue;
    if (part.text === '') return invalid('messages: text content blocks must be non-empty');
    if (typeof part.text === 'string' && part.text.trim() === '') {
      return invalid('messages: text content blocks must contain non-whitespace text');
    }
  }
  return undefined;
}
