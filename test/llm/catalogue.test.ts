import { describe, expect, test } from 'vitest';
import {
  defaultModel,
  isProviderId,
  needsResponsesApi,
  providerEntry,
  remoteProviders,
  seesImages,
} from '../../src/llm/catalogue.ts';
import { readModelList } from '../../src/llm/model-list.ts';

function matches(id: Parameters<typeof providerEntry>[0], key: string): boolean {
  if (!isProviderId(id)) return false;
  return providerEntry(id).keyPatterns.some(({ source }) =>
    new RegExp(`^(?:${source})$`).test(key),
  );
}

describe('the catalogue', () => {
  test.each([
    ['openai', `sk-${'proj'}-${'aB3_'.repeat(39)}`],
    ['openai', `sk-${'a'.repeat(20)}T3Blbk${'FJ'}${'b'.repeat(20)}`],
    ['anthropic', `sk-${'ant'}-api03-${'x'.repeat(93)}AA`],
    ['openrouter', `sk-${'or'}-v1-${'0f'.repeat(32)}`],
    ['groq', `gsk${'_'}${'A1'.repeat(26)}`],
    ['gemini', `AI${'za'}${'x'.repeat(35)}`],
    ['xai', `xai${'-'}${'x'.repeat(80)}`],
    ['deepseek', `sk-${'0a'.repeat(16)}`],
    ['mistral', 'Ab'.repeat(16)],
  ] as const)('knows the form of a key of %s', (id, key) => {
    expect(matches(id, key)).toBe(true);
    const others = remoteProviders.filter(
      (entry) => entry.id !== id && !entry.keyPatterns.some(({ guidedOnly }) => guidedOnly),
    );
    expect(others.filter((other) => matches(other.id, key))).toEqual([]);
  });

  test('no pattern hangs on a long text', () => {
    const hard = ['sk-', 'sk-proj-', 'AIza', 'gsk_', 'xai-', ''].map(
      (start) => start + 'a'.repeat(100_000),
    );
    const before = performance.now();
    for (const text of hard) for (const { id } of remoteProviders) matches(id, text);
    expect(performance.now() - before).toBeLessThan(500);
  });

  test('has whole entries', () => {
    for (const entry of remoteProviders) {
      expect(entry.suggestedModels).toContain(entry.defaultModel);
      for (const page of [entry.keyPage, entry.baseUrl]) expect(page).toMatch(/^https:\/\/\S+$/);
    }
    expect(new Set(remoteProviders.map(({ name }) => name)).size).toBe(remoteProviders.length);
  });

  test('offline is an entry, and takes no key', () => {
    expect(isProviderId('offline')).toBe(false);
    expect(isProviderId('constructor')).toBe(false);
    expect(providerEntry('offline').name).toBe('Offline');
    expect(defaultModel('offline')).toBe('parrot');
  });

  test.each([
    ['openai', 'gpt-5.4-mini', true],
    ['openai', 'o3-mini', false],
    ['anthropic', 'claude-sonnet-5', true],
    ['deepseek', 'deepseek-v4-pro', false],
    ['gemini', 'gemini-3.8-flash', true],
    ['xai', 'grok-4.3', true],
    ['groq', 'openai/gpt-oss-120b', false],
    ['openrouter', 'anthropic/claude-sonnet-5', true],
    ['openrouter', '~openai/gpt-mini-latest', true],
    ['openrouter', 'openai/gpt-oss-20b', false],
    ['openrouter', 'nobody/nothing', false],
    ['offline', 'parrot', false],
  ] as const)('knows whether %s %s sees images', (id, model, sees) => {
    expect(seesImages(id, model)).toBe(sees);
  });

  test('knows models that need the Responses API', () => {
    expect(
      ['gpt-5.4-pro', 'gpt-5-codex', 'o3-pro', 'gpt-5.5-pro-2026-04-23'].every(needsResponsesApi),
    ).toBe(true);
    expect(['gpt-5.4', 'gpt-5.4-mini', 'o3', 'gpt-4o'].some(needsResponsesApi)).toBe(false);
  });
});

describe('a list of models', () => {
  test('keeps what chats, newest first, at most 200', () => {
    const data = Array.from({ length: 300 }, (_, i) => ({ id: `model-${i}`, created: i }));
    const list = readModelList({ data: [...data, { id: 'text-embedding-9', created: 999 }] });
    expect(list).toHaveLength(200);
    expect(list[0]).toEqual({ id: 'model-299' });
  });

  test('takes Gemini, Mistral and OpenRouter as they come', () => {
    const list = readModelList({
      data: [
        { id: 'models/gemini-2.5-pro' },
        { id: 'models/gemini-10-flash', display_name: 'Gemini 10' },
        { id: 'mistral-ocr-9', capabilities: { completion_chat: false } },
        { id: 'a/b', name: 'A: B', architecture: { output_modalities: ['text'] }, created: 5 },
        { id: 'a/pictures', architecture: { output_modalities: ['video'] } },
        { id: 'gone', active: false },
      ],
    });
    expect(list).toEqual([
      { id: 'a/b', name: 'A: B' },
      { id: 'gemini-10-flash', name: 'Gemini 10' },
      { id: 'gemini-2.5-pro' },
    ]);
  });

  test('that is none is no answer', () => {
    expect(() => readModelList('<html>')).toThrow(expect.objectContaining({ code: 'no-answer' }));
  });
});
