/** OpenAI, and the services that speak its API. */

import { needsResponsesApi, type RemoteEntry } from './catalogue.ts';
import { allowedOutput, remedyFor, toProviderError } from './errors.ts';
import { type CallLimits, type HttpCall, openCall, type Refusal } from './http-call.ts';
import { checkKey } from './key-check.ts';
import { readModelList } from './model-list.ts';
import { chat } from './openai-chat.ts';
import { openAiClient } from './openai-client.ts';
import type { RequestShape } from './openai-request.ts';
import { responses } from './openai-responses.ts';
import type { Completion, CompletionEvent, Provider } from './provider.ts';

export interface RemoteProviderOptions {
  readonly entry: RemoteEntry;
  readonly baseUrl: string;
  readonly completionLimits: CallLimits;
  /** For lists of models and checks of keys. */
  readonly queryLimits: CallLimits;
}

/** A request is put in at most so many shapes. */
const MOST_SHAPES = 5;
/** How many models' shapes are remembered; they are few, and none is worth keeping for long. */
const MOST_REMEMBERED = 200;

export function createOpenAi(options: RemoteProviderOptions): Provider {
  const { entry, baseUrl, queryLimits } = options;
  /** What models turned out to need, whoever asks, so that only the first question is asked twice. */
  const learned = new Map<string, RequestShape>();

  async function* complete(completion: Completion): AsyncGenerator<CompletionEvent> {
    const known = learned.get(completion.model);
    let shape: RequestShape = {
      ...(known ?? firstShape(entry, completion.model)),
      maxOutputTokens: Math.min(completion.maxOutputTokens, known?.maxOutputTokens ?? Infinity),
    };
    for (let tries = 1; ; tries++) {
      const call = openCall(completion.signal, limitsFor(options, shape));
      try {
        const client = await openAiClient(completion.apiKey, baseUrl, call);
        const ask = shape.api === 'chat' ? chat : responses;
        yield* ask(client, completion, shape, call.signal);
        return;
      } catch (error) {
        const next = tries < MOST_SHAPES ? betterShape(shape, entry, call) : undefined;
        if (next === undefined) throw toProviderError(error, call, completion.signal);
        shape = next;
        if (learned.size >= MOST_REMEMBERED) learned.clear();
        learned.set(completion.model, {
          ...next,
          // Whether streaming is refused depends on whose key it is.
          stream: true,
          maxOutputTokens:
            next.maxOutputTokens < completion.maxOutputTokens ? next.maxOutputTokens : Infinity,
        });
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
        const client = await openAiClient(apiKey, baseUrl, call);
        return readModelList(await client.get('/models', { signal: call.signal }));
      } catch (error) {
        throw toProviderError(error, call, signal);
      } finally {
        call.close();
      }
    },
    checkKey: (apiKey, signal) =>
      checkKey(signal, queryLimits, async (call) => {
        const client = await openAiClient(apiKey, baseUrl, call);
        return client.get(entry.keyCheckPath, { signal: call.signal });
      }),
  };
}

function firstShape(entry: RemoteEntry, model: string): RequestShape {
  const isOpenAi = entry.id === 'openai';
  return {
    api: isOpenAi && needsResponsesApi(model) ? 'responses' : 'chat',
    stream: true,
    outputLimit: entry.outputLimit,
    extras: isOpenAi,
    asksForUsage: entry.usage === 'asked',
    maxOutputTokens: Infinity,
  };
}

function limitsFor(
  { entry, completionLimits }: RemoteProviderOptions,
  shape: RequestShape,
): CallLimits {
  const headersWaitForTheModel = !shape.stream || entry.lateHeaders === true;
  if (!headersWaitForTheModel) return completionLimits;
  return { ...completionLimits, firstByteMs: completionLimits.silenceMs };
}

/** Another shape after a refusal that says what was wrong with this one; nothing has been streamed then. */
function betterShape(
  shape: RequestShape,
  entry: RemoteEntry,
  call: HttpCall,
): RequestShape | undefined {
  const refusal: Refusal | undefined = call.state().refusal;
  if (refusal === undefined) return undefined;
  const allowed = allowedOutput(refusal, shape.maxOutputTokens);
  if (allowed !== undefined) return { ...shape, maxOutputTokens: allowed };
  switch (remedyFor(refusal)) {
    case 'responses':
      return shape.api === 'chat' && entry.id === 'openai'
        ? { ...shape, api: 'responses' }
        : undefined;
    case 'no-streaming':
      return shape.stream ? { ...shape, stream: false } : undefined;
    case 'other-limit':
      return {
        ...shape,
        outputLimit: shape.outputLimit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens',
      };
    case 'fewer-parameters':
      return shape.extras || shape.asksForUsage
        ? { ...shape, extras: false, asksForUsage: false }
        : undefined;
    default:
      return undefined;
  }
}
