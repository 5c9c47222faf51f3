import fc from 'fast-check';
import type { MessageEntity } from 'grammy/types';
import { describe, expect, test } from 'vitest';
import {
  join,
  type Rendered,
  render,
  split,
} from '../../../../src/platforms/telegram/render/index.ts';
import { anyText, cpuSeconds, faults, looks } from './support.ts';

const paragraph = (letter: string, length: number) => letter.repeat(length);

function code(length: number, language = 'ts'): string {
  const line = `${'x'.repeat(39)}\n`;
  return `\`\`\`${language}\n${line.repeat(length / 40).trimEnd()}\n\`\`\``;
}

describe('split', () => {
  test('a text that fits is one part', () => {
    const rendered = render('**a** b');
    expect(split(rendered)).toEqual([rendered]);
    expect(split(render(''))).toEqual([]);
  });

  test('a text of exactly the limit is one part', () => {
    expect(split(render('a'.repeat(4096)))).toHaveLength(1);
    expect(split(render('a'.repeat(4097)))).toHaveLength(2);
  });

  test('cuts between paragraphs', () => {
    const texts = [paragraph('a', 2000), paragraph('b', 2000), paragraph('c', 2000)];
    const parts = split(render(texts.join('\n\n')));
    expect(parts.map(({ text }) => text)).toEqual([`${texts[0]}\n\n${texts[1]}`, texts[2]]);
  });

  test('cuts between items of a list rather than within one', () => {
    const item = (n: number) => `- item ${n}: ${'word '.repeat(150).trim()}\n  more of ${n}`;
    const parts = split(render([1, 2, 3, 4, 5, 6, 7, 8, 9].map(item).join('\n')));
    for (const { text } of parts) {
      expect(text).toMatch(/^• item/);
      expect(text).toMatch(/more of \d$/);
    }
  });

  test('cuts at words where lines are too long', () => {
    const parts = split(render('word '.repeat(2000)));
    for (const { text } of parts) expect(text).toMatch(/^word.*word$/);
    expect(parts.map(({ text }) => text).join(' ')).toBe('word '.repeat(2000).trim());
  });

  test('never cuts within a character', () => {
    for (const character of ['😀', '👩‍👩‍👧', 'e\u0301', '🇩🇪']) {
      const parts = split(render(`x${character.repeat(3000)}`));
      expect(parts.length).toBeGreaterThan(1);
      for (const { text } of parts.slice(1)) expect(text.startsWith(character)).toBe(true);
    }
  });

  test('ends even where messages are as short as one character', () => {
    const parts = split({ text: '😀/start@name', entities: [] }, 2);
    expect(parts.map(({ text }) => text).join('')).toBe('😀/start@name');
  });

  test('code that fits into one message stays whole', () => {
    const markdown = `${paragraph('a', 3000)}\n\n${code(2000)}\n\n${paragraph('b', 100)}`;
    const parts = split(render(markdown));
    expect(parts.map((part) => part.entities.map(({ type, length }) => [type, length]))).toEqual([
      [],
      [['pre', 1999]],
    ]);
  });

  test('code that fits into no message is cut at lines and keeps its language', () => {
    const parts = split(render(`Look:\n${code(10_000, 'rust')}\nThat is it.`));
    expect(parts).toHaveLength(3);
    for (const [index, { text, entities }] of parts.entries()) {
      const [pre] = entities;
      expect(pre).toMatchObject({ type: 'pre', language: 'rust' });
      const covered = text.slice(pre?.offset, (pre?.offset ?? 0) + (pre?.length ?? 0));
      for (const line of covered.split('\n')) expect(line).toBe('x'.repeat(39));
      expect(text.startsWith('Look:')).toBe(index === 0);
    }
  });

  test('code that goes on keeps its indentation', () => {
    const lines = Array.from(
      { length: 300 },
      (_, n) => `${' '.repeat(4)}line ${n}; ${'y'.repeat(20)}`,
    );
    const parts = split(render(`\`\`\`js\n${lines.join('\n')}\n\`\`\``));
    expect(parts.map(({ text }) => text).join('\n')).toBe(lines.join('\n'));
    for (const part of parts) {
      expect(part.entities).toEqual([
        { type: 'pre', language: 'js', offset: 0, length: part.text.length },
      ]);
    }
  });

  test('formatting that spans a cut goes on', () => {
    const parts = split(render(`**${'word '.repeat(1500).trim()}**`));
    for (const part of parts) {
      expect(part.entities).toEqual([{ type: 'bold', offset: 0, length: part.text.length }]);
    }
  });

  test('a heading goes with what it heads', () => {
    const parts = split(render(`${paragraph('a', 3900)}\n\n# Next\n\n${paragraph('b', 300)}`));
    expect(parts.map(({ text }) => text.slice(0, 6))).toEqual(['aaaaaa', 'Next\nb']);
  });

  test('inline code and links are not cut where there is another place', () => {
    const parts = split(render('`a b c d e` [f g h](https://x.org) '.repeat(400)), 500);
    for (const part of parts) {
      for (const look of looks(part)) expect(look).toMatch(/^(code: a b c d e|text_link: f g h)$/);
    }
  });

  test('code and links above what Telegram keeps go to the next message', () => {
    const parts = split(render('`a` '.repeat(250)));
    expect(parts.map(({ entities }) => entities.length)).toEqual([100, 100, 50]);
  });

  test('bold above what Telegram keeps is dropped, code is not', () => {
    const [part] = split(render('**a** b `c` '.repeat(80)));
    expect(part?.entities).toHaveLength(100);
    expect(part?.entities.filter(({ type }) => type === 'code')).toHaveLength(80);
  });

  test('any text is cut into valid parts that lose nothing but white space', () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 12 }),
        fc.integer({ min: 2, max: 300 }),
        (texts, limit) => {
          const rendered = render(texts.join('\n'));
          const parts = split(rendered, limit);
          for (const part of parts) {
            expect(faults(part)).toEqual([]);
            expect(part.text.length).toBeGreaterThan(0);
            expect(part.text.length).toBeLessThanOrEqual(limit);
            expect(part.entities.length).toBeLessThanOrEqual(100);
          }
          expect(visible(parts)).toBe(visible([rendered]));
          expect(split(rendered, limit)).toEqual(parts);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('any entities survive the cuts', () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 6 }),
        fc.integer({ min: 20, max: 200 }),
        (texts, limit) => {
          const rendered = render(texts.join('\n\n'));
          fc.pre(rendered.entities.length <= 100);
          expect(styles(split(rendered, limit))).toEqual(styles([rendered]));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('long texts of anything are cut in time', () => {
    for (const text of [
      'a',
      ' a',
      '\n',
      'a\n',
      '**a** ',
      '`a` ',
      '😀',
      `e${'\u0301'.repeat(50)}`,
    ]) {
      const rendered = render(text.repeat(30_000 / text.length));
      const before = cpuSeconds();
      split(rendered);
      expect(cpuSeconds() - before).toBeLessThan(2);
    }
  });
});

describe('join', () => {
  test('moves entities to where they belong', () => {
    const joined = join([render('a'), render(''), render('**b**')]);
    expect(joined.text).toBe('a\n\nb');
    expect(looks(joined)).toEqual(['bold: b']);
  });
});

/** Without white space, and without what a part cannot consist of. */
function visible(parts: readonly Rendered[]): string {
  return parts
    .map(({ text }) => text)
    .join('')
    .replace(
      /[\s\u180e\u200b-\u200f\u2028-\u202f\u205f-\u2060\u2800\ufeff\ufffc\u{e0000}-\u{e007f}]/gu,
      '',
    );
}

/** For each visible character: which entities cover it. */
function styles(parts: readonly Rendered[]): string[] {
  const found: string[] = [];
  for (const { text, entities } of parts) {
    let at = 0;
    for (const character of text) {
      if (visible([{ text: character, entities: [] }]) !== '') {
        found.push(`${character} ${covering(entities, at)}`);
      }
      at += character.length;
    }
  }
  return found;
}

function covering(entities: readonly MessageEntity[], at: number): string {
  return entities
    .filter(({ offset, length }) => offset <= at && at < offset + length)
    .map(({ offset: _offset, length: _length, ...look }) => JSON.stringify(look))
    .toSorted()
    .join();
}
