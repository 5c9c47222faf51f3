/** Streams a provider's answer into a reply, keeping a durable copy of what is shown. */

import type { Reply } from '../chat/reply.ts';
import {
  type Completion,
  type CompletionEvent,
  type Provider,
  ProviderError,
  type Usage,
} from '../llm/provider.ts';

/** How often a growing answer is shown, in milliseconds. */
const SHOW_EVERY_MS = 200;
/** How often what is shown is stored, in milliseconds. */
const CHECKPOINT_EVERY_MS = 1_500;

export interface StreamedAnswer {
  readonly text: string;
  readonly usage: Usage | undefined;
  readonly ending:
    | { readonly type: 'end'; readonly reason: Extract<CompletionEvent, { type: 'end' }>['reason'] }
    /** The provider failed; what came before stands in `text`. */
    | { readonly type: 'error'; readonly error: ProviderError };
}

/**
 * @param checkpoint stores what is about to be shown; when it throws, streaming ends with its error
 * @throws whatever `checkpoint` threw
 */
export async function streamAnswer(
  provider: Provider,
  completion: Completion,
  {
    reply,
    checkpoint,
    onFirstText = () => {},
  }: {
    reply: Reply;
    checkpoint: (markdown: string) => Promise<void>;
    onFirstText?: () => void;
  },
): Promise<StreamedAnswer> {
  let text = '';
  let shown = '';
  let checkpointed = 0;
  let showing: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;

  async function show(): Promise<void> {
    if (text === shown) return;
    shown = text;
    const now = performance.now();
    // The first piece is stored before it is shown: a turn that has shown something is never
    // silently answered anew.
    if (checkpointed === 0 || now - checkpointed > CHECKPOINT_EVERY_MS) {
      await checkpoint(text);
      checkpointed = now;
    }
    reply.show({ markdown: text });
  }
  const timer = setInterval(() => {
    showing ??= show()
      .catch((error: unknown) => {
        failure = { error };
      })
      .finally(() => {
        showing = undefined;
      });
  }, SHOW_EVERY_MS);

  let usage: Usage | undefined;
  let ending: StreamedAnswer['ending'] = {
    type: 'error',
    error: new ProviderError('connection-broken'),
  };
  try {
    for await (const event of provider.complete(completion)) {
      if (failure !== undefined) break;
      if (event.type === 'text') {
        if (text === '') onFirstText();
        text += event.text;
      } else if (event.type === 'usage') usage = event.usage;
      else if (event.type === 'end') ending = event;
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    ending = { type: 'error', error };
  } finally {
    clearInterval(timer);
    await showing;
  }
  if (failure !== undefined) throw failure.error;
  return { text, usage, ending };
}
