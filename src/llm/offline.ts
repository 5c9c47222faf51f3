/** The built-in provider: no network, no key, no model. It shows a newcomer how answers look. */

import { type Completion, type CompletionEvent, type Provider, ProviderError } from './provider.ts';
import { boundTokens } from './tokens.ts';

const MODEL = 'parrot';
/** Of what was said, in characters. */
const MOST_QUOTED = 200;

export function createOffline({
  wordsPerSecond = 40,
}: {
  readonly wordsPerSecond?: number;
} = {}): Provider {
  return {
    id: 'offline',
    complete: (completion) => answer(completion, 1000 / wordsPerSecond),
    listModels: async () => [{ id: MODEL, name: 'Offline parrot' }],
    // It takes no key, so none is good.
    checkKey: async () => ({ result: 'invalid' }),
  };
}

async function* answer(
  { system, messages, maxOutputTokens, signal }: Completion,
  wordMs: number,
): AsyncGenerator<CompletionEvent> {
  const texts = messages.map(({ content }) =>
    content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n'),
  );
  const inputTokens = boundTokens(system) + texts.reduce((sum, text) => sum + boundTokens(text), 0);
  const usage = (outputTokens: number): CompletionEvent => ({
    type: 'usage',
    usage: { inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens },
  });

  let said = '';
  yield { type: 'thinking' };
  for (const word of offlineAnswer(texts.at(-1) ?? '').match(/\s*\S+/g) ?? []) {
    if (wordMs > 0) await pause(wordMs, signal);
    if (signal.aborted) {
      yield usage(boundTokens(said));
      throw new ProviderError('aborted');
    }
    if (boundTokens(said + word) > maxOutputTokens) {
      yield usage(boundTokens(said));
      yield { type: 'end', reason: 'length' };
      return;
    }
    said += word;
    yield { type: 'text', text: word };
  }
  yield usage(boundTokens(said));
  yield { type: 'end', reason: 'complete' };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}

const FENCED = /^ {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n([\s\S]*?)\n? {0,3}\1/m;
const ASKS_FOR_CODE =
  /\b(?:code|function|class|script|program|example|regex|sql|query|python|javascript|typescript|rust|java|bash|html|css|write|implement)\b|c\+\+/i;

/** What it says to a message, in Markdown. */
export function offlineAnswer(question: string): string {
  const intro =
    '**This is the offline provider.** There is no model behind it and nothing left this machine: it only shows how answers look.';
  const outro =
    'For real answers, set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` and start again, or bring a key of your own with /setkey.';
  const block = FENCED.exec(question);
  const words = question.trim().split(/\s+/).filter(Boolean).length;
  const prose = question.replace(FENCED, ' ').replace(/\s+/g, ' ').trim();
  const quoted = prose.length > MOST_QUOTED ? `${cut(prose, MOST_QUOTED)}…` : prose;
  const counted = `You wrote ${words} ${words === 1 ? 'word' : 'words'}${quoted === '' ? '.' : ':'}`;
  const parts = [intro, counted];
  if (quoted !== '') parts.push(`> ${escapeMarkdown(quoted)}`);
  if (block !== null) {
    const [, , language = '', code = ''] = block;
    parts.push('Your code, as it would come back:', fenced(language || 'text', code));
  } else if (ASKS_FOR_CODE.test(question)) {
    parts.push('Code looks like this:', fenced(...sampleFor(question)));
  }
  return [...parts, outro].join('\n\n');
}

function sampleFor(question: string): [language: string, code: string] {
  if (/\bpython\b/i.test(question)) {
    return [
      'python',
      'def greet(name: str) -> str:\n    return f"Hello, {name}!"\n\nprint(greet("world"))',
    ];
  }
  return [
    'ts',
    'function greet(name: string): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet("world"));',
  ];
}

function fenced(language: string, code: string): string {
  const ticks = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length)) + 1;
  const fence = '`'.repeat(ticks);
  return `${fence}${language}\n${code}\n${fence}`;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()<>#+\-.!|~@&:]/g, '\\$&');
}

/** By whole characters. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, '');
}
