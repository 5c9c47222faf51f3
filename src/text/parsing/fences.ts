/** Fenced code in Markdown, found line by line: what it holds needs no parsing. */

export interface FencedCode {
  readonly type: 'code';
  /** What stands before the fence: white space, or a list's marker and the space after it. */
  readonly prefix: string;
  /** The backticks or tildes. */
  readonly fence: string;
  /** What follows the fence: the language, sometimes more. */
  readonly info: string;
  /** The lines inside, without the fence's indentation and without a last newline. */
  readonly content: string;
  /** False where the text ends before the code does. */
  readonly closed: boolean;
}

export interface Lines {
  readonly type: 'lines';
  /** Whole lines, with their ends. */
  readonly text: string;
}

export type Section = FencedCode | Lines;

/** Not in a block quote: there every line has a marker of its own, and the parser sees to it. */
const OPENING = /^([ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*)(`{3,}(?=[^`]*$)|~{3,})(.*)$/;

/**
 * Splits at fences. More lenient than CommonMark: a fence in a list's item may be closed without
 * the item's indentation, which models often leave out.
 */
export function sections(markdown: string): Section[] {
  const found: Section[] = [];
  let plainFrom = 0;
  let at = 0;
  while (at < markdown.length) {
    const lineEnd = endOfLine(markdown, at);
    const opening = mayOpen(markdown, at) ? OPENING.exec(markdown.slice(at, lineEnd)) : null;
    if (opening === null) {
      at = lineEnd + 1;
      continue;
    }
    if (at > plainFrom) found.push({ type: 'lines', text: markdown.slice(plainFrom, at) });
    const [, prefix = '', fence = '', info = ''] = opening;
    const body = readBody(markdown, lineEnd + 1, fence, columns(prefix));
    found.push({ type: 'code', prefix, fence, info: info.trim(), ...body.code });
    at = body.next;
    plainFrom = at;
  }
  if (plainFrom < markdown.length) {
    found.push({ type: 'lines', text: markdown.slice(plainFrom) });
  }
  return found;
}

/** Cheaper than the expression on every line. */
function mayOpen(markdown: string, at: number): boolean {
  const code = markdown.charCodeAt(at);
  // Space, tab, backtick, tilde, a bullet or a digit.
  return (
    code === 0x20 ||
    code === 0x09 ||
    code === 0x60 ||
    code === 0x7e ||
    (code >= 0x2a && code <= 0x2d) ||
    (code >= 0x30 && code <= 0x39)
  );
}

function readBody(
  markdown: string,
  from: number,
  fence: string,
  indent: number,
): { code: { content: string; closed: boolean }; next: number } {
  const marker = fence[0] === '~' ? '~' : '`';
  const lines: string[] = [];
  let at = from;
  while (at < markdown.length) {
    const lineEnd = endOfLine(markdown, at);
    const line = markdown.slice(at, lineEnd);
    at = lineEnd + 1;
    if (closes(line, marker, fence.length)) {
      return { code: { content: lines.join('\n'), closed: true }, next: at };
    }
    lines.push(outdent(line, indent));
  }
  // The newline that the text ends with is no line of the code.
  return { code: { content: lines.join('\n'), closed: false }, next: markdown.length };
}

function closes(line: string, marker: string, length: number): boolean {
  const text = line.trim();
  if (text.length < length) return false;
  for (const character of text) if (character !== marker) return false;
  return true;
}

/** Takes up to `indent` columns of white space off a line. */
function outdent(line: string, indent: number): string {
  let at = 0;
  let column = 0;
  while (column < indent && at < line.length) {
    const character = line[at];
    if (character === ' ') column += 1;
    else if (character === '\t') column += 4 - (column % 4);
    else break;
    at += 1;
  }
  return line.slice(at);
}

/** The width of a prefix in columns. */
export function columns(prefix: string): number {
  let column = 0;
  for (const character of prefix) column += character === '\t' ? 4 - (column % 4) : 1;
  return column;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
