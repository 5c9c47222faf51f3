import {
  type Completion,
  type CompletionEvent,
  type Provider,
  ProviderError,
  type Usage,
} from '../../src/llm/provider.ts';
import { Secret } from '../../src/secret.ts';

export function question(
  apiKey: string,
  model: string,
  more: Partial<Completion> = {},
): Completion {
  return {
    apiKey: new Secret(apiKey),
    model,
    system: 'You help with code.',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'What is a closure?' }] }],
    maxOutputTokens: 1_000,
    signal: new AbortController().signal,
    ...more,
  };
}

export interface Heard {
  readonly text: string;
  readonly events: CompletionEvent[];
  readonly usage: Usage | undefined;
  readonly end: string | undefined;
  readonly error: ProviderError | undefined;
}

/** Everything that came until the end or the error; what is no ProviderError fails the test. */
export async function hear(
  provider: Provider,
  completion: Completion,
  onEvent: (event: CompletionEvent) => void = () => {},
): Promise<Heard> {
  const events: CompletionEvent[] = [];
  let error: ProviderError | undefined;
  try {
    for await (const event of provider.complete(completion)) {
      events.push(event);
      onEvent(event);
    }
  } catch (thrown) {
    if (!(thrown instanceof ProviderError)) throw thrown;
    error = thrown;
  }
  return {
    text: events.map((event) => (event.type === 'text' ? event.text : '')).join(''),
    events,
    usage: events.findLast((event) => event.type === 'usage')?.usage,
    end: events.findLast((event) => event.type === 'end')?.reason,
    error,
  };
}

/** Everything that a careless logger could print of an error. */
export function printed(error: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    lines.push(String(at), at.stack ?? '', JSON.stringify(at, Object.getOwnPropertyNames(at)));
  }
  return lines.join('\n');
}
