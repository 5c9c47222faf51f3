import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { render } from '../../../../src/platforms/telegram/render/index.ts';
import { anyText, cpuSeconds, faults, looks } from './support.ts';

describe('blocks', () => {
  test('a heading is a bold line', () => {
    const rendered = render('# One\n\ntext\n\n## Two **x**\n### Three `c` d');
    expect(rendered.text).toBe('One\ntext\n\nTwo x\n\nThree c d');
    expect(looks(rendered)).toEqual([
      'bold: One',
      'bold: Two x',
      'bold: Three',
      'code: c',
      'bold: d',
    ]);
  });

  test('a line of text above a rule is no heading', () => {
    expect(render('text\n---\nmore')).toEqual({ text: 'text\n──────────\nmore', entities: [] });
  });

  test('newlines within a paragraph stay', () => {
    expect(render('a\nb\n\n\n\nc').text).toBe('a\nb\n\nc');
  });

  test('code blocks keep their language, indentation and blank lines', () => {
    const rendered = render('Run:\n\n```python title="x"\n  a = 1\n\n\n  b = 2\n```\n\nDone.');
    expect(rendered.text).toBe('Run:\n  a = 1\n\n\n  b = 2\nDone.');
    expect(rendered.entities).toEqual([{ type: 'pre', language: 'python', offset: 5, length: 17 }]);
  });

  test('tabs in code become columns', () => {
    expect(render('```go\n\tx\ty\n```').text).toBe('    x   y');
  });

  test('indentation of code that begins the message stays', () => {
    const rendered = render('```\n\n    a\n  b\n```');
    expect(rendered).toEqual({
      text: '    a\n  b',
      entities: [{ type: 'pre', offset: 0, length: 9 }],
    });
  });

  test('code in a list begins at the left edge', () => {
    const rendered = render('1. Do:\n   ```sh\n   ls\n     -l\n   ```\n2. Done');
    expect(rendered.text).toBe('1. Do:\nls\n  -l\n2. Done');
    expect(looks(rendered)).toEqual(['pre: ls\n  -l']);
  });

  test('code in a list may be closed without indentation', () => {
    const rendered = render('- Do:\n  ```sh\n  ls\n```\n\n**Done**');
    expect(looks(rendered)).toEqual(['pre: ls', 'bold: Done']);
  });

  test('what looks like Markdown in code stays', () => {
    const code =
      '# **a** [b](c) $x_1$ `d` ~~~ > > > > > > > > > > > > > > > > > x ********* \\(a\\)';
    expect(render(`\`\`\`\n${code}\n\`\`\``)).toEqual({
      text: code,
      entities: [{ type: 'pre', offset: 0, length: code.length }],
    });
  });

  test('code that is never closed is code to the end', () => {
    expect(looks(render('a\n```js\nlet x;\n\n**b**'))).toEqual(['pre: let x;\n\n**b**']);
  });

  test('lists have bullets, numbers, boxes and indentation', () => {
    const rendered = render(
      '- a\n  - b\n    1. c\n    2. d\n- e\n  f\n\n5. g\n6. h\n\n- [ ] i\n- [x] j\n',
    );
    expect(rendered.text).toBe(
      '• a\n   ◦ b\n      1. c\n      2. d\n• e\n   f\n\n5. g\n6. h\n\n• ☐ i\n• ☑ j',
    );
  });

  test('list items keep the blank lines between them', () => {
    expect(render('- a\n\n- b\n\n  c').text).toBe('• a\n\n• b\n\n   c');
  });

  test('a quote is a quote, a long one folds up, and one within another is marked', () => {
    expect(looks(render('> a\n> b\n\nc'))).toEqual(['blockquote: a\nb']);
    expect(looks(render('> a\n> > b'))).toEqual(['blockquote: a\n> b']);
    const long = render(`> ${'word '.repeat(200)}`);
    expect(long.entities.map(({ type }) => type)).toEqual(['expandable_blockquote']);
    expect(looks(render('> ```js\n> x\n> ```'))).toEqual(['blockquote: x', 'pre: x']);
  });

  test('tables are aligned by what they look like', () => {
    const rendered = render(
      '| a | b | c |\n|:--|:-:|--:|\n| 日本 | 😀 | 1 |\n| x | long | **22** |',
    );
    expect(rendered.text).toBe(
      ['a    |  b   |  c', '-----|------|---', '日本 |  😀  |  1', 'x    | long | 22'].join('\n'),
    );
    expect(rendered.entities).toEqual([{ type: 'pre', offset: 0, length: rendered.text.length }]);
  });

  test('links in a table stand below it', () => {
    const rendered = render('| a |\n|---|\n| [x](https://x.org/) |\n\nafter');
    expect(rendered.text).toBe('a\n-\nx\nx\n\nafter');
    expect(looks(rendered)).toEqual(['pre: a\n-\nx', 'text_link: x']);
  });

  test('a table too wide for a screen becomes a list', () => {
    const cell = 'many words '.repeat(9).trim();
    const rendered = render(`| Name | Use | Cost |\n|-|-|-|\n| **A** | ${cell} | 1 |\n| B | b | |`);
    expect(rendered.text).toBe(`A\n• Use: ${cell}\n• Cost: 1\n\nB\n• Use: b`);
    expect(looks(rendered)).toEqual(['bold: A', 'bold: B']);
  });

  test('HTML is shown, and Markdown within is rendered', () => {
    const rendered = render('<details>\n<summary>S</summary>\n\n**a** <u>b</u><br>c\n</details>');
    expect(rendered.text).toBe('<details>\n<summary>S</summary>\n\na <u>b</u>\nc\n</details>');
  });

  test('footnotes are numbered and stand where they are defined', () => {
    expect(render('a[^x] b[^none]\n\n[^x]: note').text).toBe('a[x] b[^none]\n\n[x] note');
  });

  test('definitions are shown only where no link uses them', () => {
    const rendered = render('[a][1]\n\n[1]: https://x.org/\n[2]: https://y.org/ "T"');
    expect(rendered.text).toBe('a\n\n[2]: https://y.org/ "T"');
    expect(looks(rendered)).toEqual(['text_link: a']);
  });

  test('LaTeX is left as it is', () => {
    for (const latex of [
      '$a_1 * b_1 * c$',
      '$$\n\\frac{a}{b}\n$$',
      '\\(x_1 \\\\ y_2\\)',
      '\\[\n  *a*\n\\]',
    ]) {
      expect(render(`So ${latex} is`)).toEqual({ text: `So ${latex} is`, entities: [] });
    }
    expect(render('from $5 to **$10**').text).toBe('from $5 to $10');
    expect(looks(render('`$HOME` and `$PATH`'))).toEqual(['code: $HOME', 'code: $PATH']);
  });
});

describe('within a line', () => {
  test('bold, italic, struck, and all together', () => {
    expect(looks(render('**a *b* ~~c~~** ***d*** ~e~ snake_case_name'))).toEqual([
      'bold: a b c',
      'italic: b',
      'strikethrough: c',
      'bold: d',
      'italic: d',
    ]);
  });

  test('code cuts the formatting around it', () => {
    expect(looks(render('**a `b` c**'))).toEqual(['bold: a', 'code: b', 'bold: c']);
  });

  test('a link with code in it stays a link', () => {
    expect(looks(render('[`a`](https://b.org)'))).toEqual(['text_link: a']);
  });

  test.each([
    ['[a](https://b.org/c_d?e=f&g)', 'https://b.org/c_d?e=f&g'],
    ['[a](http://127.0.0.1:8080/x)', 'http://127.0.0.1:8080/x'],
    ['[a](https://日本.jp/ü)', 'https://xn--wgv71a.jp/%C3%BC'],
    ['[a](tg://resolve?domain=x)', 'tg://resolve?domain=x'],
    ['![a](https://b.org/c.png)', 'https://b.org/c.png'],
  ])('%s is a link', (markdown, url) => {
    expect(render(markdown)).toEqual({
      text: 'a',
      entities: [{ type: 'text_link', offset: 0, length: 1, url }],
    });
  });

  test.each([
    ['[a](http://localhost:3000/x)', 'a (http://localhost:3000/x)'],
    ['[a](tg://user?id=1)', 'a (tg://user?id=1)'],
    ['[a](TG://user/?id=1)', 'a (TG://user/?id=1)'],
    ['[a](tg:user?id=1)', 'a (tg:user?id=1)'],
    ['[a](javascript:alert)', 'a (javascript:alert)'],
    ['[a](https://user:pw@b.org)', 'a (https://user:pw@b.org)'],
    ['[a](https://b.org:0/)', 'a (https://b.org:0/)'],
    ['[a](mailto:b@c.org)', 'a (b@c.org)'],
    ['[a](src/b.ts)', 'a (src/b.ts)'],
    ['[a](#b)', 'a'],
    ['[a]()', 'a'],
    ['[](https://b.org)', 'https://b.org'],
    ['<https://b.org/c_d>', 'https://b.org/c_d'],
    ['https://b.org/*c*_d_', 'https://b.org/*c*_d_'],
    ['www.b.org', 'www.b.org'],
    ['<b@c.org> d@e.org', 'b@c.org d@e.org'],
    ['[a](time:99999999999)', 'a (time:99999999999)'],
  ])('%s is shown as %s', (markdown, text) => {
    expect(render(markdown)).toEqual({ text, entities: [] });
  });
});

describe('mentions', () => {
  const joiner = '\u2060';

  test('names and commands lose their effect and nothing of their look', () => {
    expect(render('@durov, ask /start@bot or (/help) @types/node @**x**').text).toBe(
      `@${joiner}durov, ask /${joiner}start@bot or (/${joiner}help) @${joiner}types/node @${joiner}x`,
    );
  });

  test('the offsets after them are right', () => {
    const rendered = render('@a **@b c** `@d` *e*');
    expect(looks(rendered)).toEqual([`bold: @${joiner}b c`, 'code: @d', 'italic: e']);
  });

  test('code, addresses and paths stay as they are', () => {
    for (const text of [
      'https://a.org/@b/c',
      'a@b.org',
      'src/a/b',
      '1/2',
      'and/or',
      '/etc/passwd',
      'a @ b',
      'https://a.org/b?c=/d',
    ]) {
      expect(render(text).text).toBe(text);
    }
    expect(render('`@a` and\n```\n@b /c\n```').text).toBe('@a and\n@b /c');
  });

  test('a name behind what is no address for Telegram is kept from taking effect', () => {
    for (const text of [
      'http://localhost/@name',
      'https://a.org)@name',
      'https://a@name',
      'a.zz/@name',
    ]) {
      expect(render(text).text).toBe(text.replace('/@', '/@\u2060').replace(')@', ')@\u2060'));
    }
  });

  test('can be left alone, all or commands only', () => {
    expect(render('@a /b', { neutraliseMentions: false }).text).toBe('@a /b');
    expect(render('@a /b', { keepCommands: true }).text).toBe(`@${joiner}a /b`);
  });
});

describe('any text', () => {
  test('renders to what Telegram takes', () => {
    fc.assert(
      fc.property(anyText, (markdown) => {
        expect(faults(render(markdown))).toEqual([]);
        expect(faults(render(markdown, { neutraliseMentions: false }))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('leaves no name outside of code that would be mentioned', () => {
    fc.assert(
      fc.property(anyText, (markdown) => {
        const { text, entities } = render(markdown);
        for (const { index } of text.matchAll(/(?<![\p{L}\p{N}_])@(?=[a-z0-9_]{2})/giu)) {
          const inCode = entities.some(
            ({ type, offset, length }) =>
              (type === 'code' || type === 'pre') && offset <= index && index < offset + length,
          );
          const inAddress = /https?:\/\/[^\s,()[\]"'<>]*$/.test(text.slice(0, index));
          expect(inCode || inAddress).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('without anything to see comes out empty', () => {
    for (const markdown of ['', ' \n', '\u200b', '[](#a)', '```\n```', '&#32;']) {
      expect(render(markdown)).toEqual({ text: '', entities: [] });
    }
  });

  test('with broken surrogates, controls and right-to-left marks stays a text', () => {
    const rendered = render('\ud800a\udc00 \0 \u202eb\u202c **\u200fא** 😀\u2066c');
    expect(rendered.text).toBe('\ufffda\ufffd \ufffd b \u200fא 😀\u2066c');
    expect(faults(rendered)).toEqual([]);
  });

  test('of astral characters that look like stand-ins comes back', () => {
    const text = '\u{10000}\u{12345}\u{14000}1\u{14400}';
    expect(render(text).text).toBe(text);
    expect(render(`${text}\n\`\`\`\n${text}\n\`\`\``).text).toBe(`${text}\n${text}`);
  });
});

describe('hostile text', () => {
  const count = 10_000;
  const hostile: Record<string, string> = {
    quotes: '>'.repeat(count),
    'spaced quotes': '> '.repeat(count),
    'bullets on a line': `${'- '.repeat(count)}a`,
    'numbers on a line': '1. '.repeat(count),
    'a staircase of lists': Array.from(
      { length: 400 },
      (_, depth) => `${' '.repeat(2 * depth)}- a`,
    ).join('\n'),
    'emphasis around a word': `${'*'.repeat(count)}a${'*'.repeat(count)}`,
    'nested emphasis': `${'*a '.repeat(count)}${'a* '.repeat(count)}`,
    'alternating emphasis': `${'**a _'.repeat(count)}${'b_ c** '.repeat(count)}`,
    'closers only': 'a* '.repeat(33_000),
    'words of stars': 'a**b'.repeat(25_000),
    'brackets, open': '['.repeat(100_000),
    'brackets around a word': `${'['.repeat(50_000)}a${']'.repeat(50_000)}`,
    'nested links': `${'['.repeat(count)}a${'](b)'.repeat(count)}`,
    'links, half': '[a]('.repeat(25_000),
    references: '[a][b]'.repeat(16_000),
    underlines: 'a\n=\n'.repeat(25_000),
    'code spans, unequal': Array.from({ length: 400 }, (_, run) => `${'`'.repeat(run + 1)}a`).join(
      '',
    ),
    tables: `${'|a'.repeat(1000)}\n${'|-'.repeat(1000)}\n${'|b\n'.repeat(1000)}`,
    LaTeX: '\\['.repeat(50_000),
    dollars: '$a'.repeat(50_000),
    tags: '<a '.repeat(33_000),
    addresses: 'http://a.b'.repeat(10_000),
    fences: '```\n'.repeat(25_000),
    'a long word': 'a'.repeat(100_000),
    emoji: '👩‍👩‍👧'.repeat(12_000),
    nothing: '\0'.repeat(100_000),
    'half characters': '\ud800'.repeat(100_000),
    paragraphs: 'a *b*\n\n'.repeat(14_000),
    items: '- a\n'.repeat(25_000),
  };

  test.each(Object.entries(hostile))('%s render in time and to a valid text', (_name, markdown) => {
    const before = cpuSeconds();
    const rendered = render(markdown);
    // The parser by itself would take minutes for some, and overflow the stack for others.
    expect(cpuSeconds() - before).toBeLessThan(markdown.length > 90_000 ? 4 : 1);
    expect(rendered.text.isWellFormed()).toBe(true);
  });
});
