/** The Responses API, for OpenAI's models that answer on nothing else. */

import type OpenAI from 'openai';
import type { ResponseInputItem } from 'openai/resources/responses/responses';
import { z } from 'zod';
import { streamError } from './errors.ts';
import { dataUrl, openAiExtras, plainText, type RequestShape } from './openai-request.ts';
import {
  type Completion,
  type CompletionEvent,
  type ModelMessage,
  ProviderError,
} from './provider.ts';

/** OpenAI refuses a smaller limit, in tokens. */
const LEAST_OUTPUT = 16;

const responseSchema = z.object({
  status: z.string().nullish(),
  error: z.object({ code: z.string().nullish(), message: z.string().nullish() }).nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z.array(
    z.object({
      type: z.string(),
      content: z
        .array(
          z.object({
            type: z.string(),
            text: z.string().optional(),
            refusal: z.string().optional(),
          }),
        )
        .nullish(),
    }),
  ),
  usage: z
    .object({
      input_tokens: z.number(),
      input_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
      output_tokens: z.number(),
    })
    .nullish()
    // A count that makes no sense is none: the answer beside it stands.
    .catch(undefined),
});

const eventSchema = z.object({
  type: z.string(),
  delta: z.unknown().optional(),
  response: z.unknown().optional(),
});

/** @throws whatever the SDK throws, and ProviderError where the answer makes no sense */
export async function* responses(
  client: OpenAI,
  completion: Completion,
  shape: RequestShape,
  signal: AbortSignal,
): AsyncGenerator<CompletionEvent> {
  const request = {
    model: completion.model,
    instructions: completion.system,
    input: completion.messages.map(inputItem),
    max_output_tokens: Math.max(LEAST_OUTPUT, shape.maxOutputTokens),
    ...(shape.extras ? openAiExtras(completion) : {}),
  };
  if (!shape.stream) {
    yield { type: 'thinking' };
    const whole = await client.responses.create({ ...request, stream: false }, { signal });
    const { text, refused } = outputOf(parseResponse(whole));
    if (text !== '') yield { type: 'text', text };
    yield* conclude(parseResponse(whole), refused);
    return;
  }

  const stream = await client.responses.create({ ...request, stream: true }, { signal });
  yield { type: 'thinking' };
  let refused = false;
  for await (const raw of stream) {
    const event = eventSchema.safeParse(raw);
    if (!event.success) throw new ProviderError('connection-broken');
    const { type, delta, response } = event.data;
    switch (type) {
      case 'response.refusal.delta':
      case 'response.output_text.delta':
        refused ||= type === 'response.refusal.delta';
        if (typeof delta === 'string' && delta !== '') yield { type: 'text', text: delta };
        break;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        yield* conclude(parseResponse(response), refused);
        return;
      default:
        yield { type: 'thinking' };
    }
  }
  throw new ProviderError('connection-broken');
}

function parseResponse(raw: unknown): z.infer<typeof responseSchema> {
  const response = responseSchema.safeParse(raw);
  if (!response.success) throw new ProviderError('connection-broken');
  return response.data;
}

function outputOf({ output }: z.infer<typeof responseSchema>): { text: string; refused: boolean } {
  const parts = output.flatMap((item) => (item.type === 'message' ? (item.content ?? []) : []));
  return {
    text: parts.map((part) => part.text ?? part.refusal ?? '').join(''),
    refused: parts.some((part) => part.type === 'refusal'),
  };
}

function* conclude(
  { status, error, incomplete_details, usage }: z.infer<typeof responseSchema>,
  refused: boolean,
): Generator<CompletionEvent> {
  if (usage) {
    yield {
      type: 'usage',
      usage: {
        inputTokens: usage.input_tokens,
        cachedInputTokens: usage.input_tokens_details?.cached_tokens ?? 0,
        cacheWriteTokens: 0,
        outputTokens: usage.output_tokens,
      },
    };
  }
  if (status === 'failed') throw streamError(error ?? undefined);
  const filtered = incomplete_details?.reason === 'content_filter';
  if (refused || filtered) yield { type: 'end', reason: 'refusal' };
  else yield { type: 'end', reason: status === 'incomplete' ? 'length' : 'complete' };
}

function inputItem({ role, content }: ModelMessage): ResponseInputItem {
  // What the model said itself goes as plain text, which needs no ids of messages.
  if (role === 'assistant') return { role, content: plainText(content) };
  return {
    role,
    content: content.map((part) =>
      part.type === 'text'
        ? { type: 'input_text', text: part.text }
        : { type: 'input_image', image_url: dataUrl(part), detail: 'auto' },
    ),
  };
}
