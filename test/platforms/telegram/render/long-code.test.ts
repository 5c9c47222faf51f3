import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extractLongCode, render } from '../../../../src/platforms/telegram/render/index.ts';
import { anyText, looks } from './support.ts';

const long = Array.from({ length: 400 }, (_, n) => `const line${n} = ${n};`).join('\n');

describe('extractLongCode', () => {
  test('leaves short code where it is', () => {
    const markdown = 'a\n```ts\nb\n```\n';
    expect(extractLongCode(markdown, 8000)).toEqual({ markdown, files: [] });
  });

  test('long code becomes a file, and its beginning and the name of the file stay', () => {
    const { markdown, files } = extractLongCode(
      `See:\n\n\`\`\`ts\n${long}\n\`\`\`\n\n**Done.**`,
      8000,
    );
    expect(files).toEqual([{ name: 'code-1.ts', content: `${long}\n` }]);
    const rendered = render(markdown);
    expect(rendered.text).toBe(
      `See:\n${long.split('\n').slice(0, 30).join('\n')}\n…\nThe full code is in the file code-1.ts.\n\nDone.`,
    );
    expect(looks(rendered).at(-1)).toBe('bold: Done.');
  });

  test('files are numbered, and named after the language only', () => {
    const block = (info: string) => `\`\`\`${info}\n${long}\n\`\`\`\n`;
    const { files } = extractLongCode(
      ['c++', 'python title="../../etc/passwd"', '../x', 'Dockerfile', ''].map(block).join('\n'),
      100,
    );
    expect(files.map(({ name }) => name)).toEqual([
      'code-1.cpp',
      'code-2.py',
      'code-3.txt',
      'code-4.dockerfile',
      'code-5.txt',
    ]);
  });

  test('code of one long line is shortened too', () => {
    const { markdown } = extractLongCode(`\`\`\`\n${'😀'.repeat(9000)}\n\`\`\``, 8000);
    expect(markdown.length).toBeLessThan(2200);
    expect(markdown.isWellFormed()).toBe(true);
  });

  test('code in a list comes without the indentation of the list and the list goes on', () => {
    const inner = long.replace(/^/gm, '   ');
    const { markdown, files } = extractLongCode(
      `1. a\n   \`\`\`js\n${inner}\n   \`\`\`\n2. b`,
      100,
    );
    expect(files[0]?.content).toBe(`${long}\n`);
    expect(render(markdown).text).toMatch(/^1\. a\n.*code-1\.js\.\n\n2\. b$/s);
  });

  test('code that is never closed counts too', () => {
    expect(extractLongCode(`\`\`\`go\n${long}`, 100).files).toEqual([
      { name: 'code-1.go', content: `${long}\n` },
    ]);
  });

  test('any text loses nothing where no code is long', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const markdown = `${text}\n\n\`\`\`\n${long}\n\`\`\`\n`;
        const { files } = extractLongCode(markdown, 1000);
        expect(files.every(({ name }) => /^code-\d+\.[a-z0-9]+$/.test(name))).toBe(true);
        expect(extractLongCode(text, 100_000)).toEqual({ markdown: text, files: [] });
      }),
    );
  });
});
