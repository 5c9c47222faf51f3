/** Chat Completions: what OpenAI and every service that speaks its API answer. */

import type OpenAI from 'openai';
import { z } from 'zod';
import { streamError } from './errors.ts';
import { chatMessages, openAiExtras, type RequestShape } from './openai-request.ts';
import { type Completion, type CompletionEvent, ProviderError, type Usage } from './provider.ts';

/** A count that makes no sense is none: the answer beside it stands. */
const usageSchema = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number().nullish(),
  prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
  /** DeepSeek's word for cached tokens. */
  prompt_cache_hit_tokens: z.number().nullish(),
});

/** Mistral's reasoning models answer in parts, of which some are thoughts. */
const contentSchema = z.union([
  z.string(),
  z.array(z.object({ type: z.string(), text: z.string().optional() })),
]);

const saidSchema = z.object({ content: contentSchema.nullish(), refusal: z.string().nullish() });

const chunkSchema = z.object({
  choices: z
    .array(z.object({ delta: saidSchema.nullish(), finish_reason: z.string().nullish() }))
    .nullish(),
  usage: usageSchema.nullish().catch(undefined),
});

const answerSchema = z.object({
  choices: z.tuple(
    [z.object({ message: saidSchema, finish_reason: z.string().nullish() })],
    z.unknown(),
  ),
  usage: usageSchema.nullish().catch(undefined),
});

type EndReason = Extract<CompletionEvent, { type: 'end' }>['reason'];

/** @throws whatever the SDK throws, and ProviderError where the answer makes no sense */
export async function* chat(
  client: OpenAI,
  completion: Completion,
  shape: RequestShape,
  signal: AbortSignal,
): AsyncGenerator<CompletionEvent> {
  const request = {
    model: completion.model,
    messages: chatMessages(completion),
    [shape.outputLimit]: shape.maxOutputTokens,
    ...(shape.extras ? openAiExtras(completion) : {}),
  };
  if (!shape.stream) {
    yield { type: 'thinking' };
    yield* wholeAnswer(
      await client.chat.completions.create({ ...request, stream: false }, { signal }),
    );
    return;
  }

  const stream = await client.chat.completions.create(
    {
      ...request,
      stream: true,
      ...(shape.asksForUsage ? { stream_options: { include_usage: true } } : {}),
    },
    { signal },
  );
  yield { type: 'thinking' };
  let reason: EndReason | undefined;
  let refused = false;
  for await (const raw of stream) {
    const chunk = chunkSchema.safeParse(raw);
    if (!chunk.success) throw new ProviderError('connection-broken');
    const choice = chunk.data.choices?.[0];
    const said = textOf(choice?.delta);
    if (said.text !== '') yield { type: 'text', text: said.text };
    else yield { type: 'thinking' };
    refused ||= said.refused;
    if (chunk.data.usage) yield { type: 'usage', usage: usageOf(chunk.data.usage) };
    if (choice?.finish_reason) reason = endReason(choice.finish_reason);
  }
  // A stream that ends without a reason was cut off somewhere.
  if (reason === undefined) throw new ProviderError('connection-broken');
  yield { type: 'end', reason: refused ? 'refusal' : reason };
}

function* wholeAnswer(raw: unknown): Generator<CompletionEvent> {
  const answer = answerSchema.safeParse(raw);
  // Some services answer an error with status 200.
  if (!answer.success) throw streamError(errorIn(raw));
  const [{ message, finish_reason }] = answer.data.choices;
  const said = textOf(message);
  if (said.text !== '') yield { type: 'text', text: said.text };
  if (answer.data.usage) yield { type: 'usage', usage: usageOf(answer.data.usage) };
  yield { type: 'end', reason: said.refused ? 'refusal' : endReason(finish_reason ?? 'stop') };
}

function errorIn(raw: unknown): unknown {
  return typeof raw === 'object' && raw !== null && 'error' in raw ? raw.error : undefined;
}

function textOf(said: z.infer<typeof saidSchema> | null | undefined): {
  readonly text: string;
  readonly refused: boolean;
} {
  const refusal = said?.refusal ?? '';
  const content = said?.content ?? '';
  const text =
    typeof content === 'string'
      ? content
      : content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('');
  return { text: text + refusal, refused: refusal !== '' };
}

/** @throws ProviderError for `error`, which OpenRouter gives when the service behind it failed */
function endReason(finish: string): EndReason {
  switch (finish) {
    case 'length':
      return 'length';
    case 'content_filter':
      return 'refusal';
    case 'error':
      throw new ProviderError('overloaded');
    default:
      return 'complete';
  }
}

/** xAI and Gemini leave reasoning out of `completion_tokens`; the total has it. */
function usageOf(usage: z.infer<typeof usageSchema>): Usage {
  const besidesInput = (usage.total_tokens ?? 0) - usage.prompt_tokens;
  return {
    inputTokens: usage.prompt_tokens,
    cachedInputTokens:
      usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens ?? 0,
    cacheWriteTokens: 0,
    outputTokens: Math.max(usage.completion_tokens, besidesInput),
  };
}
