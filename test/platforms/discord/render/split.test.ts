import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  MESSAGE_LIMIT,
  render,
  renderPreview,
  split,
} from '../../../../src/platforms/discord/render/index.ts';
import { fencesBalanced, namesSomebody, readable } from '../client-view.ts';

const messages = (markdown: string, limit = MESSAGE_LIMIT) => split(render(markdown), limit);
const words = (count: number, word = 'word') => Array(count).fill(word).join(' ');
const squeezed = (text: string) => text.replace(/[\s\u2060]+/g, '');

const line = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.integer({ min: 1, max: 400 }).map((count) => words(count, 'some_word*')),
  fc.integer({ min: 1, max: 4000 }).map((count) => 'z'.repeat(count)),
  fc.string({ unit: 'grapheme', maxLength: 100 }),
);
const code = fc
  .array(fc.oneof(fc.string({ maxLength: 80 }), fc.constant('```'), fc.constant('x'.repeat(90))), {
    maxLength: 90,
  })
  .map((lines) => `~~~~ts\n${lines.join('\n').replaceAll('~', '')}\n~~~~`);
const block = fc.oneof(
  line,
  code,
  line.map((text) => `> ${text}`),
  line.map((text) => `- ${text}\n  - ${text}`),
  line.map((text) => `## ${text}`),
  line.map((text) => `**${text}**`),
);
const document = fc.array(block, { maxLength: 8 }).map((blocks) => blocks.join('\n\n'));

test('every message holds at most 2000 characters, has its fences closed and names nobody', () => {
  fc.assert(
    fc.property(document, (markdown) => {
      for (const message of messages(markdown)) {
        expect(message.length).toBeLessThanOrEqual(MESSAGE_LIMIT);
        expect(message.trim()).not.toBe('');
        expect(fencesBalanced(message)).toBe(true);
        expect(namesSomebody(message)).toBe(false);
        expect(message.isWellFormed()).toBe(true);
      }
    }),
    { numRuns: 60 },
  );
});

test('no text of the code is lost', () => {
  const text = fc
    .array(fc.string({ unit: 'grapheme-ascii', maxLength: 300 }), { minLength: 1, maxLength: 60 })
    .map((lines) => lines.join('\n').replaceAll('~', '-'));
  fc.assert(
    fc.property(text, (content) => {
      fc.pre(content.trim() !== '');
      const shown = messages(`~~~ts\n${content}\n~~~`);
      expect(squeezed(shown.map(readable).join(''))).toBe(squeezed(content));
    }),
    { numRuns: 80 },
  );
});

test('no word is lost', () => {
  const sentence = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 200, maxLength: 900 });
  fc.assert(
    fc.property(sentence, (all) => {
      const shown = messages(all.join(' '));
      expect(shown.flatMap((message) => message.split(/\s+/))).toEqual(all);
    }),
    { numRuns: 25 },
  );
});

test('code that fits a message stays whole', () => {
  const content = `const a = ${'1'.repeat(1500)};`;
  const [first, second] = messages(`${words(200)}\n\n\`\`\`js\n${content}\n\`\`\`\n\nEnd`);
  expect(first).toBe(words(200));
  expect(second).toBe(`\`\`\`js\n${content}\n\`\`\`\nEnd`);
});

test('code that fits none is cut between lines, each piece with its language', () => {
  const lines = Array.from({ length: 100 }, (_, n) => `line ${n} ${'x'.repeat(40)}`);
  const shown = messages(`\`\`\`py\n${lines.join('\n')}\n\`\`\``);
  expect(shown.length).toBeGreaterThan(1);
  for (const message of shown)
    expect(message).toMatch(/^```py\nline \d+ x{40}\n[\s\S]*x{40}\n```$/);
  expect(shown.flatMap((message) => message.split('\n').slice(1, -1))).toEqual(lines);
});

test('a heading stays with what it heads', () => {
  const [first, second] = messages(`${words(380)}\n\n## Next\n\n${words(100)}`);
  expect(first).toBe(words(380));
  expect(second).toBe(`## Next\n${words(100)}`);
});

test('a message ends between paragraphs where that leaves it half full', () => {
  const shown = messages(`${words(300)}\n\n${words(60)}\n${words(60)}`);
  expect(shown).toEqual([words(300), `${words(60)}\n${words(60)}`]);
});

test('a long quotation stays one', () => {
  for (const message of messages(`> ${words(900)}`)) expect(message).toMatch(/^> /);
});

test('characters are not cut in two', () => {
  for (const message of messages('👩‍👩‍👧‍👦'.repeat(700))) {
    expect(message.replaceAll('👩‍👩‍👧‍👦', '')).toBe('');
  }
});

test('what only looks like a letter of any length is cut all the same', () => {
  const shown = messages(`\`\`\`\na${'\u0301'.repeat(9000)}\n\`\`\``);
  expect(shown.every((message) => message.length <= MESSAGE_LIMIT)).toBe(true);
  expect(squeezed(shown.map(readable).join('')).length).toBe(9001);
});

test('a preview is one message with the newest text, its code in fences', () => {
  fc.assert(
    fc.property(document, fc.nat(), (markdown, at) => {
      const preview = renderPreview(markdown.slice(0, at % (markdown.length + 1)), MESSAGE_LIMIT);
      expect(preview.length).toBeLessThanOrEqual(MESSAGE_LIMIT);
      expect(fencesBalanced(preview)).toBe(true);
      expect(namesSomebody(preview)).toBe(false);
    }),
    { numRuns: 50 },
  );
  const long = Array.from({ length: 300 }, (_, n) => `line ${n} of it`).join('\n');
  expect(renderPreview(`\`\`\`js\n${long}`, 500)).toMatch(
    /^…\n```js\nline [\s\S]*line 299 of it\n```$/,
  );
  expect(renderPreview(words(900), 500)).toMatch(/^…\nword[ word]* word$/);
  expect(renderPreview('', 500)).toBe('');
  expect(renderPreview('a **b', 500)).toBe('a \\*\\*b');
});

test('rendering and splitting take time that grows with the length only', () => {
  for (const markdown of [
    '*'.repeat(100_000),
    '['.repeat(100_000),
    '> '.repeat(50_000),
    'a '.repeat(50_000),
    '`'.repeat(99_999),
    'x'.repeat(200_000),
  ]) {
    // The processor's own time: what else the machine does is not counted.
    const before = process.cpuUsage();
    messages(markdown);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(6_000);
  }
});
