/** Code too long to be read in messages, as files. */

import { shortenedCode } from '../markdown.ts';
import { columns, type FencedCode, sections } from './fences.ts';
import { fileExtension } from './languages.ts';

export interface CodeFile {
  /** `code-1.ts`: made of nothing that the model wrote. */
  readonly name: string;
  readonly content: string;
}

export interface LongCode {
  /** With the beginning of each long code in its place, and the name of its file. */
  readonly markdown: string;
  readonly files: readonly CodeFile[];
}

const PREVIEW_LINES = 30;
const PREVIEW_CHARS = 2000;

/**
 * @param minChars in UTF-16 code units: code of more becomes a file
 * @param previewChars in UTF-16 code units, since lines can be of any length
 */
export function extractLongCode(
  markdown: string,
  minChars: number,
  previewChars: number = PREVIEW_CHARS,
): LongCode {
  const files: CodeFile[] = [];
  const found = sections(markdown.toWellFormed().replace(/\r\n?/g, '\n'));
  if (!found.some((section) => section.type === 'code' && section.content.length > minChars)) {
    return { markdown, files };
  }
  const pieces = found.map((section) => {
    if (section.type === 'lines') return section.text;
    if (section.content.length <= minChars) return fenced(section, section.content);
    const name = `code-${files.length + 1}.${fileExtension(section.info)}`;
    files.push({ name, content: section.content.replace(/\n*$/, '\n') });
    const preview = beginning(section.content, previewChars);
    const indent = ' '.repeat(columns(section.prefix));
    return `${fenced(section, preview)}\n${indent}${shortenedCode(name)}\n\n`;
  });
  return { markdown: pieces.join(''), files };
}

function beginning(content: string, length: number): string {
  const lines = content.split('\n', PREVIEW_LINES).join('\n');
  return `${lines.slice(0, length).toWellFormed().replace('\ufffd', '').trimEnd()}\n…`;
}

function fenced({ prefix, fence, info }: FencedCode, content: string): string {
  const indent = ' '.repeat(columns(prefix));
  const lines = content === '' ? '' : `${content.replace(/^/gm, indent)}\n`;
  return `${prefix}${fence}${info}\n${lines}${indent}${fence}\n`;
}
