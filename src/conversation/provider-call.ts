/** Asks a provider for a turn's answer, again where that helps, and keeps account of how it went. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from '../chat/reply.ts';
import type { Funding } from '../funding/funding.ts';
import type { KeyRefusal } from '../keys/api-keys.ts';
import { type Completion, type Provider, ProviderError, type ProviderId } from '../llm/provider.ts';
import type { Log } from '../log.ts';
import { type StreamedAnswer, streamAnswer } from './answer-stream.ts';
import type { TurnObserver } from './turn-observer.ts';
import type { RunningTurn, TurnStore } from './turn-store.ts';

/** How long a turn waits for a provider that asks for a moment, before the user is told, in milliseconds. */
const PATIENCE_MS = 15_000;
const MOST_TRIES = 3;
/** The wait before the second try, where the provider named none, in milliseconds; it doubles. */
const FIRST_WAIT_MS = 1_000;

export interface ProviderCallParts {
  readonly store: TurnStore;
  readonly provider: (id: ProviderId) => Provider;
  readonly log: Log;
  readonly observer: Pick<TurnObserver, 'tell'>;
}

export interface AskedAnswer extends StreamedAnswer {
  /** Set where the provider refused the user's own key. */
  readonly keyRefusal?: KeyRefusal | undefined;
}

export async function askProvider(
  parts: ProviderCallParts,
  turn: RunningTurn,
  funding: Funding,
  completion: Completion,
  reply: Reply,
): Promise<AskedAnswer> {
  const { signal } = completion;
  const begun = performance.now();
  for (let tries = 1; ; tries += 1) {
    const streamed = await streamAnswer(parts.provider(funding.provider), completion, {
      reply,
      checkpoint: (markdown) => parts.store.checkpoint(turn, markdown),
      onFirstText: () => parts.observer.tell(turn, { type: 'first-text' }),
    });
    const { ending } = streamed;
    const keyRefusal = await noteEnding(parts, turn, funding, ending);
    if (ending.type === 'end' || streamed.text !== '' || !ending.error.retryable) {
      return { ...streamed, keyRefusal };
    }
    const waitMs = ending.error.retryAfterMs ?? FIRST_WAIT_MS * 2 ** (tries - 1);
    const waited = performance.now() - begun;
    if (tries >= MOST_TRIES || waited + waitMs > PATIENCE_MS) return streamed;
    await sleep(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) {
      return { ...streamed, ending: { type: 'error', error: new ProviderError('aborted') } };
    }
  }
}

/** What an ending says of the key that was used. */
async function noteEnding(
  parts: ProviderCallParts,
  turn: RunningTurn,
  funding: Funding,
  ending: StreamedAnswer['ending'],
): Promise<KeyRefusal | undefined> {
  if (ending.type === 'end') return funding.ended(turn.turnId);
  const { code, status } = ending.error;
  if (code === 'aborted') return undefined;
  const { provider } = funding;
  parts.log.warn({ turnId: turn.turnId, provider, code, status }, 'provider failed');
  parts.observer.tell(turn, { type: 'provider-failed', provider, code });
  return funding.ended(turn.turnId, ending.error);
}
