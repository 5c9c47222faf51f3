import fc from 'fast-check';
import type { MessageEntity } from 'grammy/types';
import {
  isBlank,
  isQuote,
  type Rendered,
} from '../../../../src/platforms/telegram/render/rendered.ts';

/** What Telegram refuses, drops or moves; empty where all is well. */
export function faults({ text, entities }: Rendered): string[] {
  const found: string[] = [];
  if (!text.isWellFormed()) found.push('lone surrogate');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Telegram changes them
  if (/[\u0000-\u0009\u000b-\u001f\u2028-\u202e]/.test(text)) found.push('control character');
  if (text !== '' && isBlank(text)) found.push('blank text');
  if (/[ \n]$/.test(text)) found.push('white space at the end');
  const pre = entities.find(({ type, offset }) => type === 'pre' && offset === 0);
  if (text.startsWith('\n') || (text.startsWith(' ') && pre === undefined)) {
    found.push('white space at the start');
  }
  const open: MessageEntity[] = [];
  let last: MessageEntity | undefined;
  for (const entity of entities) {
    const end = entity.offset + entity.length;
    const at = `${entity.type} at ${entity.offset}+${entity.length}`;
    if (entity.length <= 0) found.push(`${at}: empty`);
    if (entity.offset < 0 || end > text.length) found.push(`${at}: out of range`);
    if (cutsPair(text, entity.offset) || cutsPair(text, end))
      found.push(`${at}: cuts a surrogate pair`);
    if (isBlank(text.slice(entity.offset, end))) found.push(`${at}: blank`);
    if (
      last !== undefined &&
      (last.offset > entity.offset ||
        (last.offset === entity.offset && last.length < entity.length))
    ) {
      found.push(`${at}: not sorted`);
    }
    last = entity;
    while (open.length > 0 && endOf(open.at(-1)) <= entity.offset) open.pop();
    if (open.length > 0 && endOf(open.at(-1)) < end) found.push(`${at}: crosses another`);
    for (const outer of open) {
      if (outer.type === entity.type || (isQuote(outer) && isQuote(entity)))
        found.push(`${at}: in its own kind`);
      if (isLeaf(outer)) found.push(`${at}: inside ${outer.type}`);
      if (isLeaf(entity) && !isQuote(outer)) found.push(`${at}: inside ${outer.type}`);
      if (outer.type === 'text_link' && isQuote(entity)) found.push(`${at}: quote inside a link`);
    }
    open.push(entity);
  }
  return found;
}

function isLeaf({ type }: MessageEntity): boolean {
  return type === 'pre' || type === 'code' || type === 'date_time';
}

function endOf(entity: MessageEntity | undefined): number {
  return entity === undefined ? 0 : entity.offset + entity.length;
}

function cutsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/** `bold: the text it covers`, in order. */
export function looks({ text, entities }: Rendered): string[] {
  return entities.map(
    ({ type, offset, length }) => `${type}: ${text.slice(offset, offset + length)}`,
  );
}

const PIECES = [
  '*',
  '**',
  '_',
  '__',
  '~~',
  '`',
  '``',
  '```',
  '```ts\n',
  '~~~\n',
  '\n',
  '\n\n',
  '\n   ',
  '\n\t',
  '> ',
  '- ',
  '1. ',
  '- [ ] ',
  '# ',
  '|',
  '\n|-|-|\n',
  '---',
  '===',
  '[',
  ']',
  '](',
  ')',
  '![',
  '[^1]',
  '[^1]: ',
  '[a]: http://x.y\n',
  '<b>',
  '<br>',
  '<!--',
  '-->',
  '&amp;',
  '&#0;',
  '&#8238;',
  '&#xD83D;',
  '\\',
  '\\[',
  '\\]',
  '\\(',
  '\\)',
  '$',
  '$$',
  'http://a.b/c_d',
  'www.a.b',
  'a@b.co',
  '@name',
  '/start',
  'time:1700000000',
  'tg://user?id=1',
  ' ',
  '  ',
  'word',
  'two words',
  '日本',
  '😀',
  '👩‍👩‍👧',
  'e\u0301',
  '\u202e',
  '\u200b',
  '\u2060',
  '\u0000',
  '\ud800',
  '\udc00',
  '\ud810',
  '\ud8101\ud811',
  '\u{12345}',
  '\u2028',
  '\r',
  '\u030a',
];

/** Texts of everything that means something in Markdown or to Telegram. */
export const markdownLike = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    ),
    { maxLength: 60 },
  )
  .map((pieces) => pieces.join(''));

export const anyText = fc.oneof(
  markdownLike,
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

/** What this thread has used of a processor: other processes' work does not count. */
export function cpuSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}
