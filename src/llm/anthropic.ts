/** Anthropic's Messages API. */

import type Anthropic from '@anthropic-ai/sdk';
import type { Stream } from '@anthropic-ai/sdk/core/streaming';
import type {
  MessageCreateParamsStreaming,
  MessageParam,
} from '@anthropic-ai/sdk/resources/messages';
import { z } from 'zod';
import type { Secret } from '../secret.ts';
import { allowedOutput, toProviderError } from './errors.ts';
import { type HttpCall, openCall } from './http-call.ts';
import { checkKey } from './key-check.ts';
import { readModelList } from './model-list.ts';
import type { RemoteProviderOptions } from './openai.ts';
import { SDK_TIMEOUT_MS } from './openai-client.ts';
import {
  type Completion,
  type CompletionEvent,
  type ModelMessage,
  type Provider,
  ProviderError,
  type Usage,
} from './provider.ts';
import { boundTokens } from './tokens.ts';

/** A count that makes no sense is none: the answer beside it stands. */
const count = z.number().nullish().catch(undefined);
const usageSchema = z.object({
  input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens: count,
});
const toldUsage = usageSchema.nullish().catch(undefined);

const eventSchema = z.object({
  type: z.string(),
  message: z.object({ usage: toldUsage }).nullish(),
  delta: z
    .object({
      type: z.string().nullish(),
      text: z.string().nullish(),
      thinking: z.string().nullish(),
      stop_reason: z.string().nullish(),
    })
    .nullish(),
  usage: toldUsage,
});

/** How far an answer has come. */
interface Progress {
  usage: z.infer<typeof usageSchema> | undefined;
  /** What came and was not counted, thoughts included: an upper bound of its tokens. */
  said: number;
}

export function createAnthropic({
  entry,
  baseUrl,
  completionLimits,
  queryLimits,
}: RemoteProviderOptions): Provider {
  async function* complete(completion: Completion): AsyncGenerator<CompletionEvent> {
    let { maxOutputTokens } = completion;
    for (;;) {
      const call = openCall(completion.signal, completionLimits);
      const progress: Progress = { usage: undefined, said: 0 };
      try {
        const client = await anthropicClient(completion.apiKey, baseUrl, call);
        yield* stream(client, completion, maxOutputTokens, call, progress);
        return;
      } catch (error) {
        const { refusal } = call.state();
        const allowed = refusal && allowedOutput(refusal, maxOutputTokens);
        if (allowed === undefined) {
          // What a broken answer cost is known in part; unlike the end, it will not be told.
          if (progress.usage !== undefined) yield { type: 'usage', usage: usageOf(progress) };
          throw toProviderError(error, call, completion.signal);
        }
        maxOutputTokens = allowed;
      } finally {
        call.close();
      }
    }
  }

  return {
    id: entry.id,
    complete,
    async listModels(apiKey, signal) {
      const call = openCall(signal, queryLimits);
      try {
        const client = await anthropicClient(apiKey, baseUrl, call);
        const { data } = await client.models.list({ limit: 1000 }, { signal: call.signal });
        return readModelList({ data });
      } catch (error) {
        throw toProviderError(error, call, signal);
      } finally {
        call.close();
      }
    },
    checkKey: (apiKey, signal) =>
      checkKey(signal, queryLimits, async (call) => {
        const client = await anthropicClient(apiKey, baseUrl, call);
        return client.get(entry.keyCheckPath, { query: { limit: 1 }, signal: call.signal });
      }),
  };
}

/**
 * A client for one call, to be thrown away: a client that is kept keeps the key in memory.
 * The SDK takes 26 MB and 0.2 s, so it is loaded by the first call that needs it.
 */
async function anthropicClient(
  apiKey: Secret,
  baseURL: string,
  call: HttpCall,
): Promise<Anthropic> {
  const { default: Client } = await import('@anthropic-ai/sdk');
  return new Client({
    apiKey: apiKey.reveal(),
    webhookKey: null,
    // The SDK adds `/v1` itself, unlike OpenAI's.
    baseURL: baseURL.replace(/\/v1\/?$/, ''),
    fetch: call.fetch,
    maxRetries: 0,
    timeout: SDK_TIMEOUT_MS,
    logLevel: 'off',
    openTelemetry: false,
  });
}

/** @throws whatever the SDK throws, and ProviderError where the answer makes no sense */
async function* stream(
  client: Anthropic,
  completion: Completion,
  maxOutputTokens: number,
  call: HttpCall,
  progress: Progress,
): AsyncGenerator<CompletionEvent> {
  const { safetyIdentifier } = completion;
  const body: MessageCreateParamsStreaming = {
    model: completion.model,
    max_tokens: maxOutputTokens,
    // The system prompt is the same for everybody, so that it may be read from the cache.
    system: [{ type: 'text', text: completion.system, cache_control: { type: 'ephemeral' } }],
    messages: completion.messages.flatMap(messageParam),
    ...(safetyIdentifier === undefined ? {} : { metadata: { user_id: safetyIdentifier } }),
    stream: true,
  };
  // Not `messages.create`, which warns on the console of models that will be retired.
  const events = await client.post<Stream<unknown>>('/v1/messages', {
    body,
    stream: true,
    signal: call.signal,
  });
  yield { type: 'thinking' };
  let stopReason: string | undefined;
  for await (const raw of events) {
    const parsed = eventSchema.safeParse(raw);
    if (!parsed.success) throw new ProviderError('connection-broken');
    const event = parsed.data;
    switch (event.type) {
      case 'message_start':
        progress.usage = event.message?.usage ?? undefined;
        break;
      case 'content_block_delta': {
        const text = event.delta?.type === 'text_delta' ? (event.delta.text ?? '') : '';
        progress.said += boundTokens(text === '' ? (event.delta?.thinking ?? '') : text);
        yield text === '' ? { type: 'thinking' } : { type: 'text', text };
        break;
      }
      case 'message_delta':
        stopReason = event.delta?.stop_reason ?? stopReason;
        progress.usage = mergeUsage(progress.usage, event.usage ?? undefined);
        // What is counted need not be guessed.
        if (typeof event.usage?.output_tokens === 'number') progress.said = 0;
        break;
      case 'message_stop':
        if (progress.usage !== undefined) yield { type: 'usage', usage: usageOf(progress) };
        progress.usage = undefined;
        yield { type: 'end', reason: endReason(stopReason) };
        return;
      default:
        yield { type: 'thinking' };
    }
  }
  throw new ProviderError('connection-broken');
}

function messageParam({ role, content }: ModelMessage): MessageParam[] {
  const parts = content.flatMap((part): Exclude<MessageParam['content'], string> => {
    if (part.type === 'text') {
      // Anthropic refuses a text of nothing but white space.
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
    }
    const data = Buffer.from(part.data).toString('base64');
    const media_type = imageType(part.mediaType);
    return [{ type: 'image', source: { type: 'base64', media_type, data } }];
  });
  return parts.length === 0 ? [] : [{ role, content: parts }];
}

/** The four kinds that Anthropic takes; it looks into the bytes and refuses another by itself. */
function imageType(mediaType: string): 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp' {
  switch (mediaType) {
    case 'image/png':
    case 'image/gif':
    case 'image/webp':
      return mediaType;
    default:
      return 'image/jpeg';
  }
}

function endReason(stopReason: string | undefined): 'complete' | 'length' | 'refusal' {
  if (stopReason === 'refusal') return 'refusal';
  return stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded'
    ? 'length'
    : 'complete';
}

/** The last event's numbers hold; what it leaves out stands as the first told it. */
function mergeUsage(first: Progress['usage'], last: Progress['usage']): Progress['usage'] {
  if (first === undefined || last === undefined) return last ?? first;
  return {
    input_tokens: last.input_tokens ?? first.input_tokens,
    cache_read_input_tokens: last.cache_read_input_tokens ?? first.cache_read_input_tokens,
    cache_creation_input_tokens:
      last.cache_creation_input_tokens ?? first.cache_creation_input_tokens,
    output_tokens: last.output_tokens ?? first.output_tokens,
  };
}

function usageOf({ usage, said }: Progress): Usage {
  const cachedInputTokens = usage?.cache_read_input_tokens ?? 0;
  const cacheWriteTokens = usage?.cache_creation_input_tokens ?? 0;
  return {
    inputTokens: (usage?.input_tokens ?? Number.NaN) + cachedInputTokens + cacheWriteTokens,
    cachedInputTokens,
    cacheWriteTokens,
    outputTokens: Math.max(usage?.output_tokens ?? 0, said),
  };
}
