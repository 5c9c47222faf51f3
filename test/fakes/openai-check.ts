/** What OpenAI refuses about the body of a request. */

import { type ErrorAnswer, openAiError } from './openai-errors.ts';

const CHAT_PARAMETERS = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
  'store',
  'safety_identifier',
  'prompt_cache_key',
  'temperature',
  'top_p',
  'reasoning_effort',
  'user',
  'n',
  'stop',
  'tools',
  'tool_choice',
  'response_format',
  'seed',
  'metadata',
  'verbosity',
]);
const RESPONSES_PARAMETERS = new Set([
  'model',
  'input',
  'instructions',
  'stream',
  'max_output_tokens',
  'store',
  'safety_identifier',
  'prompt_cache_key',
  'temperature',
  'top_p',
  'reasoning',
  'metadata',
  'text',
  'tools',
  'include',
  'previous_response_id',
  'truncation',
]);
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownParameter(
  body: Record<string, unknown>,
  known: ReadonlySet<string>,
): ErrorAnswer | undefined {
  const name = Object.keys(body).find((key) => !known.has(key));
  if (name === undefined) return undefined;
  return openAiError(400, `Unrecognized request argument supplied: ${name}`);
}

/** @param strict OpenAI itself: a model that reasons takes no `max_tokens` */
export function chatBodyProblem(body: unknown, strict: boolean): ErrorAnswer | undefined {
  if (!isRecord(body)) return openAiError(400, 'We could not parse the JSON body of your request.');
  const unknown = unknownParameter(body, CHAT_PARAMETERS);
  if (unknown !== undefined) return unknown;
  if (strict && 'max_tokens' in body) {
    return openAiError(
      400,
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { param: 'max_tokens', code: 'unsupported_parameter' },
    );
  }
  if (typeof body.model !== 'string') {
    return openAiError(400, 'you must provide a model parameter');
  }
  if ('stream_options' in body && body.stream !== true) {
    return openAiError(
      400,
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      {
        param: 'stream_options',
      },
    );
  }
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) {
    return openAiError(400, "Invalid 'messages': empty array.", {
      param: 'messages',
      code: 'empty_array',
    });
  }
  for (const [i, message] of messages.entries()) {
    if (!isRecord(message) || typeof message.role !== 'string' || !ROLES.has(message.role)) {
      return openAiError(400, `Invalid value for 'messages[${i}].role'.`, {
        param: `messages[${i}].role`,
        code: 'invalid_value',
      });
    }
    if (message.content === null || message.content === undefined) {
      return openAiError(400, "Invalid value for 'content': expected a string, got null.", {
        param: `messages[${i}].content`,
      });
    }
  }
  return undefined;
}

export function responsesBodyProblem(body: unknown): ErrorAnswer | undefined {
  if (!isRecord(body)) return openAiError(400, 'We could not parse the JSON body of your request.');
  const unknown = unknownParameter(body, RESPONSES_PARAMETERS);
  if (unknown !== undefined) return unknown;
  const limit = body.max_output_tokens;
  if (typeof limit === 'number' && limit < 16) {
    return openAiError(
      400,
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${limit} instead.`,
      { param: 'max_output_tokens', code: 'integer_below_min_value' },
    );
  }
  const { input } = body;
  if (typeof input === 'string') return undefined;
  if (!Array.isArray(input) || input.length === 0) {
    return openAiError(400, "Missing required parameter: 'input'.", { param: 'input' });
  }
  for (const [i, item] of input.entries()) {
    const parts = isRecord(item) ? item.content : undefined;
    const wanted = isRecord(item) && item.role === 'assistant' ? 'output_text' : 'input_';
    const fits =
      typeof parts === 'string' ||
      (Array.isArray(parts) &&
        parts.every((part) => isRecord(part) && String(part.type).startsWith(wanted)));
    if (!fits) {
      return openAiError(400, `Invalid value: 'input[${i}].content[0]'.`, {
        param: `input[${i}].content[0]`,
        code: 'invalid_value',
      });
    }
  }
  return undefined;
}

/** The text of the last message of the user, of either API. */
export function lastQuestion(messages: unknown): string {
  if (typeof messages === 'string') return messages;
  if (!Array.isArray(messages)) return '';
  const last = messages.findLast((message) => isRecord(message) && message.role === 'user');
  return isRecord(last) ? textOf(last.content) : '';
}

export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : ''))
    .filter((text) => text !== '')
    .join('\n');
}
