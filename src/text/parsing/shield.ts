/**
 * Keeps the Markdown parser's time and depth bounded, whatever the text is. Some inputs cost it
 * time that grows with the square of their length or overflow the stack (`>>>>…`, `[[[[…`,
 * `***…`): the characters that would take effect too often are replaced before parsing and put back
 * into what was parsed. The content of code and of LaTeX goes the same way, for speed and so that
 * nothing in it is taken for Markdown.
 *
 * The replacements are lone high surrogates. Well-formed text has none, so they cannot collide with
 * anything, and the parser takes them for letters.
 */

const REPLACED = '>*_[]-+.)~';
const FIRST_CHARACTER = 0xd800;
const HELD_START = '\ud810';
const HELD_END = '\ud811';
const SHIELDED = /\ud810(\d+)\ud811|[\ud800-\ud809](?![\udc00-\udfff])/g;

/** Markers of quotes and lists that may open on one line; what follows is text. */
const MAX_MARKERS = 12;
/** Columns; two make one more level of a list. */
const MAX_INDENT = 40;
/** A run of stars or underscores means something up to three. */
const MAX_RUN = 8;
/** Within one chunk of at most {@link MAX_CHUNK}: far above what people or models write. */
const MAX_BRACKET_DEPTH = 32;
const MAX_BRACKETS = 200;
const MAX_ATTENTION = 600;

/** UTF-16 code units that are parsed together where they can be told apart. */
const MAX_CHUNK = 8192;

export interface Chunk {
  readonly source: string;
  /** What stood between this chunk and the one before. */
  readonly before: '' | ' ' | '\n' | '\n\n';
}

export class Shield {
  readonly #held: string[] = [];

  /** @returns a stand-in for `text`, which {@link restore} turns back */
  hold(text: string): string {
    this.#held.push(text);
    return `${HELD_START}${this.#held.length - 1}${HELD_END}`;
  }

  restore(text: string): string {
    // Held text can hold stand-ins itself: code between LaTeX's brackets.
    return text.replace(SHIELDED, (match: string, index: string | undefined) => {
      if (index !== undefined) return this.restore(this.#held[Number(index)] ?? '');
      return REPLACED[match.charCodeAt(0) - FIRST_CHARACTER] ?? '';
    });
  }
}

function replacement(character: string): string {
  return String.fromCharCode(FIRST_CHARACTER + REPLACED.indexOf(character));
}

/**
 * `$$…$$`, `\[…\]`, `\(…\)` and `$…$` (not money: no space inside the dollars, no digit after).
 * The lengths bound the time; a backtick inside means that it is no LaTeX.
 */
const LATEX =
  /(?<!\\)(?:\$\$[^`$]{1,1000}\$\$|\\\[[^`]{1,1000}?\\\]|\\\([^`\n]{1,300}?\\\)|\$(?![\s$])[^`$\n]{1,300}(?<![\s\\])\$(?![\d$]))/g;

export function holdLatex(text: string, shield: Shield): string {
  if (!text.includes('$') && !text.includes('\\')) return text;
  return text.replace(LATEX, (match) => (/\n\s*\n/.test(match) ? match : shield.hold(match)));
}

/** Cuts at blank lines before unindented text if it can, else at lines, else at spaces. */
export function chunks(text: string): Chunk[] {
  const found: Chunk[] = [];
  let from = 0;
  let before: Chunk['before'] = '';
  while (text.length - from > MAX_CHUNK) {
    const cut = findCut(text, from);
    found.push({ source: tame(text.slice(from, cut.at)), before });
    from = cut.at + cut.between.length;
    before = cut.between;
  }
  if (from < text.length) found.push({ source: tame(text.slice(from)), before });
  return found;
}

function findCut(text: string, from: number): { at: number; between: Chunk['before'] } {
  const to = from + MAX_CHUNK;
  const window = text.slice(from, to);
  const paragraph = /^.*\n\n(?=[^\s\-*+>\d])/s.exec(window);
  if (paragraph !== null && paragraph[0].length > MAX_CHUNK / 4) {
    return { at: from + paragraph[0].length - 2, between: '\n\n' };
  }
  const blank = window.lastIndexOf('\n\n');
  if (blank > MAX_CHUNK / 4) return { at: from + blank, between: '\n\n' };
  const unindented = /^.*\n(?=[^\s|])/s.exec(window);
  if (unindented !== null && unindented[0].length > MAX_CHUNK / 4) {
    return { at: from + unindented[0].length - 1, between: '\n' };
  }
  const line = window.lastIndexOf('\n');
  if (line > 0) return { at: from + line, between: '\n' };
  const space = window.lastIndexOf(' ');
  if (space > 0) return { at: from + space, between: ' ' };
  return { at: whole(text, to), between: '' };
}

/** Moves a position that would cut a surrogate pair or a stand-in to before it. */
function whole(text: string, at: number): number {
  const standIn = /\ud810\d*$/.exec(text.slice(at - 16, at));
  if (standIn !== null) return at - standIn[0].length;
  const next = text.charCodeAt(at);
  return next >= 0xdc00 && next <= 0xdfff ? at - 1 : at;
}

function tame(chunk: string): string {
  return tameInline(tameLines(chunk));
}

const MARKER = /[ \t]*(?:>|[-*+](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$))/y;
/** A thematic break: as long as one likes. */
const RULE = /^[ \t]*([-*_])(?:[ \t]*\1)*[ \t]*$/;

function tameLines(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      if (line.length <= MAX_MARKERS) return line;
      return limitMarkers(limitIndent(line));
    })
    .join('\n');
}

function limitIndent(line: string): string {
  if (line[0] !== ' ' && line[0] !== '\t') return line;
  const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
  const width = indent.length + 3 * (indent.split('\t').length - 1);
  return width <= MAX_INDENT ? line : ' '.repeat(MAX_INDENT) + line.slice(indent.length);
}

function limitMarkers(line: string): string {
  MARKER.lastIndex = 0;
  for (let count = 0; count < MAX_MARKERS; count += 1) {
    if (!MARKER.test(line)) return line;
  }
  if (!MARKER.test(line) || RULE.test(line)) return line;
  // The marker's last character is what makes it one.
  const last = MARKER.lastIndex - 1;
  return line.slice(0, last) + replacement(line[last] ?? '>') + line.slice(last + 1);
}

/** Runs of markers that are no thematic break, and brackets. */
const SPECIAL = /[*_~]+|\[|\]/g;

function tameInline(text: string): string {
  let depth = 0;
  let opened = 0;
  let closed = 0;
  let attention = 0;
  return text.replace(SPECIAL, (match: string, at: number) => {
    if (match === ']') {
      closed += 1;
      if (depth > 0) depth -= 1;
      return closed > MAX_BRACKETS ? replacement(match) : match;
    }
    if (match === '[') {
      opened += 1;
      if (depth >= MAX_BRACKET_DEPTH || opened > MAX_BRACKETS) return replacement(match);
      depth += 1;
      return match;
    }
    if (match.length > MAX_RUN && isAlone(text, at, match.length)) return match;
    attention += 1;
    if (attention <= MAX_ATTENTION && match.length <= MAX_RUN) return match;
    return Array.from(match, replacement).join('');
  });
}

function isAlone(text: string, at: number, length: number): boolean {
  const before = at === 0 || text[at - 1] === '\n';
  const after = at + length === text.length || text[at + length] === '\n';
  return before && after;
}
