import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { join, render, split } from '../../../../src/platforms/discord/render/index.ts';
import { escapeMarkdown, inlineCode, time } from '../../../../src/text/markdown.ts';
import { namesSomebody, readable, viewOf } from '../client-view.ts';

const source = (markdown: string) => split(render(markdown)).join('\n');

describe('Markdown', () => {
  test.each([
    ['It is **bold**, *italic* and ~~struck~~.', 'It is **bold**, _italic_ and ~~struck~~.'],
    ['**bold *and italic***', '**bold** **_and italic_**'],
    ['mid*wor*d', 'mid*wor*d'],
    ['`a` and ``b`c``', '`a` and ``b`c``'],
    ['# One\n\n### Three\n\n#### Four', '# One\n### Three\n**Four**'],
    ['- a\n- b\n  - c\n\n    d', '- a\n- b\n  - c\n\n    d'],
    ['3. a\n4. b', '3. a\n4. b'],
    ['- [ ] a\n- [x] b', '- ☐ a\n- ☑ b'],
    ['> a\n> b\n> > c', '> a\n> b\n> \\> c'],
    ['a\n\n---\n\nb', 'a\n\n──────────\n\nb'],
    ['a\nb\n\nc', 'a\nb\n\nc'],
    ['See:\n\n```ts\nconst a = 1;\n```\n\nEnd', 'See:\n```ts\nconst a = 1;\n```\nEnd'],
    ['| a | b |\n|---|--:|\n| 1 | 22 |', '```\na |  b\n--|---\n1 | 22\n```'],
    ['a<br>b', 'a\nb'],
    ['snake_case_name and 2 * 3 * 4', 'snake\\_case\\_name and 2 \\* 3 \\* 4'],
    ['1\\. no list', '1\\. no list'],
    ['- #\n- a', '-\n- a'],
    ['#\n\na', 'a'],
    ['', ''],
    ['\u200b\u2060', ''],
  ])('%j becomes %j', (markdown, expected) => {
    expect(source(markdown)).toBe(expected);
  });

  test('with fences inside code keeps them inside', () => {
    const shown = readable(source('````md\n```js\nx\n```\n````'));
    expect(shown).toBe('```js\nx\n```');
  });

  test('of code in a list stands at the left edge, whole', () => {
    expect(source('1. First:\n\n   ```sh\n   ls\n     -l\n   ```\n2. Then')).toBe(
      '1. First:\n```sh\nls\n  -l\n```\n2. Then',
    );
  });
});

describe('a link', () => {
  test.each([
    ['[the docs](https://example.org/a)', '[the docs](<https://example.org/a>)'],
    ['[known.example](https://other.example/)', 'known.example (<https://other.example/>)'],
    [
      '[https://known.example](https://other.example/)',
      '<https://known.example> (<https://other.example/>)',
    ],
    ['[go](https://known.example@other.example/)', 'go (https\\://known.example@other.example/)'],
    ['[go](javascript:alert(1))', 'go (javascript:alert(1))'],
    ['[a](https://e.org/x_(y))', '[a](<https://e.org/x%5F%28y%29>)'],
    ['<https://e.org/a_b_c>.', '<https://e.org/a_b_c>.'],
    [
      'see https://e.org/a_b, or (https://e.org/c).',
      'see <https://e.org/a_b>, or (<https://e.org/c>).',
    ],
    ['![a cat](https://e.org/cat.png)', '[a cat](<https://e.org/cat.png>)'],
    ['[x](#part)', 'x'],
  ])('%j becomes %j', (markdown, expected) => {
    expect(source(markdown)).toBe(expected);
  });

  test('never shows a host other than the one that it leads to', () => {
    const label = fc.oneof(
      fc.webUrl(),
      fc.domain(),
      fc.domain().map((host) => `**${host.replace('.', '\u3002')}**`),
      fc.string(),
    );
    fc.assert(
      fc.property(label, fc.webUrl(), (words, url) => {
        const { effects } = viewOf(source(`[${words}](${url})`));
        for (const effect of effects.filter((one) => one.startsWith('masked'))) {
          expect(effect).not.toMatch(/masked .*[\p{L}\p{N}][.\u3002][\p{L}\p{N}].* /u);
        }
      }),
    );
  });
});

describe('what a model or a user writes', () => {
  const hostile = [
    '@everyone',
    '@here',
    '@Everyone',
    '<@123456789012345678>',
    '<@!123456789012345678>',
    '<@&123456789012345678>',
    '<#123456789012345678>',
    '</ask:123456789012345678>',
    '<t:1700000000:R>',
    '<:smile:123456789012345678>',
    '<a:smile:123456789012345678>',
    '<id:customize>',
    '[now](time:1700000000)',
    'https://e.org/@everyone',
    '[x](https://e.org/@everyone)',
    '||hidden||',
    '>>> all',
    '-# small',
  ];

  test.each(hostile)('%s is text', (text) => {
    for (const markdown of [
      text,
      escapeMarkdown(text),
      `**${text}**`,
      `- ${text}`,
      `x ${text} y`,
    ]) {
      const shown = source(markdown);
      expect(namesSomebody(shown)).toBe(false);
      const forbidden = ['mention', 'time', 'emoji', 'spoiler', 'small'];
      expect(viewOf(shown).effects.filter((one) => forbidden.includes(one))).toEqual([]);
    }
  });

  test('is shown as it was written, once escaped', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          ...'*_~|`\\[]()<>@#-+.:!/ 1aB\n',
          'http://e.org',
          '@everyone',
          '<@1>',
          '> ',
          '# ',
          '- ',
        ),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
      ),
      maxLength: 60,
    });
    // In an address an @ that would name everybody is encoded, which leads to the same place.
    const squeezed = (one: string) =>
      one.replace(/[\s\p{Cc}\p{Cf}]+/gu, '').replace(/%40(?=everyone|here)/gi, '@');
    fc.assert(
      fc.property(text, (written) => {
        const shown = source(escapeMarkdown(written));
        expect(squeezed(readable(shown))).toBe(squeezed(written.toWellFormed()));
        expect(namesSomebody(shown)).toBe(false);
      }),
      { numRuns: 100, examples: [['http://e.org#@everyone']] },
    );
  });

  test('never names anybody, whatever the Markdown', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...hostile,
        '`',
        '```',
        '**',
        '*',
        '_',
        '~~',
        '\n',
        '\n\n',
        '> ',
        '- ',
        '|',
        ' ',
        'a',
        '[',
        '](',
        ')',
        '<',
        '>',
        '@',
        'everyone',
        '\\',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        for (const message of split(render(pieces.join('')))) {
          expect([message, namesSomebody(message)]).toEqual([message, false]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('in code is shown as it is', () => {
    const code = fc.string({
      unit: fc.constantFrom(...'`a b*_@<>\\|'),
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(code, (written) => {
        fc.pre(written.trim() !== '');
        expect(readable(source(`x ${inlineCode(written)} y`)).replace(/\s+/g, ' ')).toBe(
          `x ${written} y`.replace(/\s+/g, ' '),
        );
      }),
    );
  });

  test('steers nothing with control characters, and piles no marks', () => {
    const shown = source('a\u202eb\u0007c\u009bd\u2066e\ud800f\tg');
    expect(shown).toBe('abcde\ufffdf g');
    expect(source(`z${'\u0301'.repeat(50)}`).length).toBeLessThan(10);
    expect(source('שלום עולם')).toBe('שלום עולם');
  });
});

test('times are shown in the reader’s zone in Latchkey’s own words only', () => {
  const markdown = `At ${time(new Date('2026-11-21T04:40:00Z'))}`;
  expect(source(markdown)).toBe('At 2026-11-21 04:40 UTC');
  expect(split(render(markdown, { isOwn: true }))).toEqual(['At <t:1795236000:f>']);
});

test('texts are joined with a blank line', () => {
  expect(split(join([render('a'), render('b')]))).toEqual(['a\n\nb']);
});
