import { describe, expect, test } from 'vitest';
import { offlineAnswer } from '../../src/llm/offline.ts';
import { createProviders } from '../../src/llm/providers.ts';
import { Secret } from '../../src/secret.ts';
import { hear, question } from './support.ts';

const provider = createProviders({ wordsPerSecond: 2_000 })('offline');
const signal = new AbortController().signal;

function say(text: string, more = {}) {
  return question('none', 'parrot', {
    messages: [{ role: 'user', content: [{ type: 'text', text }] }],
    ...more,
  });
}

describe('the offline provider', () => {
  test('says that it is one, and what to do for real answers', async () => {
    const { text, end } = await hear(provider, say('Hello'));
    expect(text).toMatch(/offline provider.*no model behind it/);
    expect(text).toMatch(/OPENAI_API_KEY.*ANTHROPIC_API_KEY.*\/setkey/);
    expect(end).toBe('complete');
  });

  test('streams word by word, and what came together is the answer', async () => {
    const { text, events, usage } = await hear(provider, say('Show me some code, please'));
    expect(events.filter(({ type }) => type === 'text').length).toBeGreaterThan(20);
    expect(text).toBe(offlineAnswer('Show me some code, please'));
    expect(usage?.outputTokens).toBeGreaterThan(20);
    expect(usage?.inputTokens).toBeGreaterThan(5);
  });

  test('gives code back in its language, well fenced', () => {
    const code = 'let x = `a`;\n```\nlet y = 2;';
    expect(offlineAnswer(`Why?\n\`\`\`\`rust\n${code}\n\`\`\`\``)).toContain(
      `\`\`\`\`rust\n${code}\n\`\`\`\``,
    );
    expect(offlineAnswer('write python for me')).toContain('```python\n');
    expect(offlineAnswer('Hello')).not.toContain('```');
  });

  test('repeats nothing that could be formatting, a link or a mention', () => {
    const answer = offlineAnswer('**bold** @everyone <@123> [x](https://evil.example) `a`');
    expect(answer).not.toMatch(/\*\*bold|[^\\]@everyone|<@123|\]\(https:/);
  });

  test('stops at once', async () => {
    const abort = new AbortController();
    const slow = createProviders({ wordsPerSecond: 1 })('offline');
    setTimeout(() => abort.abort(), 20);
    const before = performance.now();
    const { error, usage } = await hear(slow, say('Hi', { signal: abort.signal }));
    expect(error?.code).toBe('aborted');
    expect(usage?.outputTokens).toBe(0);
    expect(performance.now() - before).toBeLessThan(900);
  });

  test('keeps to the limit of output', async () => {
    const { end, usage } = await hear(provider, say('Hi', { maxOutputTokens: 12 }));
    expect(end).toBe('length');
    expect(usage?.outputTokens).toBeLessThanOrEqual(12);
  });

  test('takes no key and has one model', async () => {
    expect(await provider.checkKey(new Secret('x'), signal)).toEqual({ result: 'invalid' });
    expect(await provider.listModels(new Secret('x'), signal)).toHaveLength(1);
  });
});
