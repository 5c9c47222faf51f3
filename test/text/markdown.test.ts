import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clean } from '../../src/platforms/telegram/render/clean.ts';
import { render } from '../../src/platforms/telegram/render/index.ts';
import { isBlank } from '../../src/platforms/telegram/render/rendered.ts';
import { codeBlock, escapeMarkdown, inlineCode, time } from '../../src/text/markdown.ts';
import { anyText } from '../platforms/telegram/render/support.ts';

const exact = { neutraliseMentions: false };

/** What Telegram makes of a plain text. */
function asSent(text: string): string {
  const sent = clean(text.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '\ufffd'));
  return isBlank(sent) ? '' : sent.replace(/^[ \n]+|[ \n]+$/g, '');
}

describe('escapeMarkdown', () => {
  test.each([
    '# no heading',
    '- no item',
    '+ no item',
    '1. no item',
    '2) no item',
    '> no quote',
    '| a | b |\n|---|---|',
    'a\n---\nb',
    'a\n===',
    'a\n:-:',
    '```\nno code\n```',
    '~~~\nno code',
    '    no code',
    '\tno code',
    '`a`',
    '**a** _b_ ~~c~~',
    '<b>a</b>',
    '&amp; &#65;',
    '[a](http://b.c)',
    '![a](b)',
    '[^1]',
    '[a]: b',
    'https://a.b/c_d_e',
    'www.a.b',
    'a@b.co',
    'mailto:a@b.co',
    '@name',
    '/start',
    'a  \nb',
    'a\\\nb',
    'a\n\n\n\nb',
    'a\n   b',
    '$a_1$ and \\(b_2\\) and \\[c_3\\] and $$d$$',
    '\\\\(x\\\\)',
    'x!',
    '<br>',
    '- [ ] task',
    '* * *',
    '100 % sure - or not + 1 = 2',
  ])('%j comes out as it is', (text) => {
    const sent = asSent(text);
    expect(render(escapeMarkdown(text), exact)).toEqual({ text: sent, entities: [] });
    expect(render(`Name: ${escapeMarkdown(text)}.`, exact).text).toContain(sent);
  });

  test('any text comes out as it is, without formatting', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const rendered = render(escapeMarkdown(text), exact);
        expect(rendered).toEqual({ text: asSent(text), entities: [] });
      }),
      { numRuns: 150 },
    );
  });

  test('within a sentence it changes nothing around it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sent = clean(text.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '\ufffd'));
        const rendered = render(`- From: ${escapeMarkdown(text)}, **now**`, exact);
        expect(rendered.text).toBe(`• From: ${sent.replaceAll('\n', '\n   ')}, now`);
        expect(rendered.entities).toEqual([
          { type: 'bold', offset: rendered.text.length - 3, length: 3 },
        ]);
      }),
      { numRuns: 150 },
    );
  });

  test('within bold text it stays one bold text', () => {
    const rendered = render(`Hello **${escapeMarkdown('x**_y_\n\n# z')}**!`);
    expect(rendered.text).toBe('Hello x**_y_\n\n# z!');
    expect(rendered.entities).toEqual([{ type: 'bold', offset: 6, length: 11 }]);
  });

  test('as the text of a link it does not end the link', () => {
    const rendered = render(
      `[${escapeMarkdown('a](http://evil.example) [b')}](https://good.example/)`,
    );
    expect(rendered.text).toBe('a](http://evil.example) [b');
    expect(rendered.entities).toEqual([
      { type: 'text_link', offset: 0, length: 26, url: 'https://good.example/' },
    ]);
  });

  test('ordinary sentences are left readable', () => {
    expect(escapeMarkdown('Hello, world! It costs 1.50 (about 2-3 %).')).toBe(
      'Hello, world! It costs 1.50 (about 2-3 %).',
    );
  });
});

describe('inlineCode', () => {
  test('any text in one line becomes one code', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = text.toWellFormed().replace(/\r\n?|\n/g, ' ');
        const sent = clean(line.replaceAll('\0', '\ufffd')).replaceAll('\n', ' ');
        fc.pre(!isBlank(sent) && sent.trim() === sent);
        const rendered = render(`a ${inlineCode(text)} b`);
        expect(rendered.text).toBe(`a ${sent} b`);
        expect(rendered.entities).toEqual([{ type: 'code', offset: 2, length: sent.length }]);
      }),
      { numRuns: 150 },
    );
  });
});

describe('codeBlock', () => {
  test('any text becomes one block of code', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { entities } = render(codeBlock(text, 'ts'));
        expect(entities.every(({ type }) => type === 'pre')).toBe(true);
        expect(entities.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 150 },
    );
  });

  test('keeps fences, indentation and the language', () => {
    const code = '  if (a) {\n```\n\n  }';
    expect(render(codeBlock(code, 'c++'))).toEqual({
      text: code,
      entities: [{ type: 'pre', language: 'c++', offset: 0, length: code.length }],
    });
  });
});

describe('time', () => {
  test('is a time that each reader sees in their own zone, with a text in UTC', () => {
    const rendered = render(`Until ${time(new Date('2026-11-21T04:40:30.9Z'))}.`);
    expect(rendered.text).toBe('Until 2026-11-21 04:40 UTC.');
    expect(rendered.entities).toEqual([
      { type: 'date_time', unix_time: 1795236030, date_time_format: 'Dt', offset: 6, length: 20 },
    ]);
  });
});
