import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { render, renderPreview } from '../../../../src/platforms/telegram/render/index.ts';
import { anyText, cpuSeconds, faults, looks } from './support.ts';

describe('renderPreview', () => {
  test('a text that fits looks as it will', () => {
    expect(renderPreview('**a** `b`', 100)).toEqual(render('**a** `b`'));
    expect(renderPreview('', 100)).toEqual({ text: '', entities: [] });
  });

  test('code that grows is code from its first line on', () => {
    expect(looks(renderPreview('Look:\n```ts\nconst a', 100))).toEqual(['pre: const a']);
    expect(renderPreview('Look:\n``', 100).text).toBe('Look:');
    expect(renderPreview('Look:\n```', 100).text).toBe('Look:');
    expect(renderPreview('Look:\n```ts', 100).text).toBe('Look:');
    expect(looks(renderPreview('```ts\na\n``', 100))).toEqual(['pre: a']);
  });

  test('of a long text the newest lines are shown', () => {
    const text = Array.from({ length: 500 }, (_, n) => `line ${n}`).join('\n');
    const { text: shown } = renderPreview(text, 200);
    expect(shown).toMatch(/^…\nline \d+\n.*line 499$/s);
    expect(shown.length).toBeLessThanOrEqual(200);
    expect(shown.length).toBeGreaterThan(150);
  });

  test('of long code that grows the newest lines are shown, as code with its language', () => {
    const text = `Look:\n\`\`\`rust\n${Array.from({ length: 2000 }, (_, n) => `    let a = ${n};`).join('\n')}`;
    const preview = renderPreview(text, 300);
    expect(preview.text).toMatch(/^…\n {4}let a = \d+;\n.*let a = 1999;$/s);
    expect(preview.entities).toEqual([
      { type: 'pre', language: 'rust', offset: 2, length: preview.text.length - 2 },
    ]);
  });

  test('text after long code is not taken for code', () => {
    const text = `\`\`\`c\n${'x\n'.repeat(3000)}\`\`\`\nThe **end**`;
    expect(looks(renderPreview(text, 300)).at(-1)).toBe('bold: end');
  });

  test('any beginning of any text is valid and short enough', () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 10 }),
        fc.integer({ min: 1, max: 400 }),
        fc.nat(),
        (texts, limit, end) => {
          const text = texts.join('\n');
          const preview = renderPreview(text.slice(0, end % (text.length + 1)), limit);
          expect(faults(preview)).toEqual([]);
          expect(preview.text.length).toBeLessThanOrEqual(limit);
          expect(preview.entities.length).toBeLessThanOrEqual(100);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('costs no more where the text is long', () => {
    const text = '**word** and `code`\n'.repeat(10_000);
    renderPreview(text, 4096);
    const before = cpuSeconds();
    for (let count = 0; count < 10; count += 1) renderPreview(text, 4096);
    expect(cpuSeconds() - before).toBeLessThan(2);
  });
});
