/**
 * Markdown made safe: what users wrote goes into notices through these functions only, so that it
 * comes out as they wrote it on every platform (CommonMark with GFM's extensions).
 */

/**
 * Characters that can begin or end formatting anywhere in a line: a backslash keeps them text.
 * `$` because LaTeX is shown as it stands, which would show the backslashes inside it too.
 */
const ANYWHERE = /[\\`*_~\]<>&|@$]/g;

/** What makes a block only where a line begins: headings, bullets, underlines of headings, tables. */
const LINE_START = /^([ \t]*)([#+\-=:])/gm;

/** `1.` and `1)` where a line begins. */
const ORDERED = /^([ \t]*\d+)([.)])/gm;

/** What makes a bare address a link: the scheme's colon and the dot of `www.`. */
const ADDRESS = /(https?|ftp|mailto|xmpp):|(www)\./gi;

/** A Markdown text that renders as exactly `text`, without any formatting. */
export function escapeMarkdown(text: string): string {
  const escaped = text
    .replace(/\r\n?/g, '\n')
    .replace(ANYWHERE, '\\$&')
    // Not `\[`: that is how LaTeX begins.
    .replaceAll('[', '&#91;')
    .replace(ADDRESS, (_match, scheme: string | undefined, www: string | undefined) =>
      scheme === undefined ? `${www}\\.` : `${scheme}\\:`,
    )
    // Before a link of the notice it would make an image.
    .replace(/!$/, '\\!')
    .replace(LINE_START, '$1\\$2')
    .replace(ORDERED, '$1\\$2');
  return keepWhitespace(escaped);
}

/**
 * Markdown drops white space at the edges of lines, and blank lines end paragraphs: character
 * references stay. A newline between two words needs none.
 */
function keepWhitespace(text: string): string {
  return text
    .replace(/\n(?=[ \t]*(?:\n|$))|(?<=(?:^|\n)[ \t]*)\n/g, '&#10;')
    .replace(/(?<=^|\n|&#10;)[ \t]|[ \t](?=\n|&#10;|$)/g, (space) =>
      space === '\t' ? '&#9;' : '&#32;',
    );
}

/** `text` in one line of code; line breaks in it become spaces. */
export function inlineCode(text: string): string {
  const line = text.replace(/\r\n?|\n/g, ' ');
  if (line.trim() === '') return escapeMarkdown(line);
  const fence = '`'.repeat(longestRun(line, '`') + 1);
  // Markdown takes one space off each side where both sides have one.
  const padded =
    line.startsWith('`') || line.endsWith('`') || (line.startsWith(' ') && line.endsWith(' '));
  const space = padded ? ' ' : '';
  return `${fence}${space}${line}${space}${fence}`;
}

/** `text` as a block of code, which needs lines of its own. @param language as on a fence: `ts` */
export function codeBlock(text: string, language = ''): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text, '`') + 1));
  const info = /^[\w+#.-]*$/.test(language) ? language : '';
  return `${fence}${info}\n${text.replace(/\n$/, '')}\n${fence}`;
}

/**
 * A point in time as a link with the target `time:` and Unix seconds: platforms show it in the
 * reader's own zone, and where they can't, the text in UTC stands for it.
 */
export function time(date: Date): string {
  const seconds = Math.floor(date.getTime() / 1000);
  return `[${utc(date)}](time:${seconds})`;
}

/** For what is to come: shown by the minute, and never before it is true. */
export const minuteAfter = (date: Date): Date =>
  new Date(Math.ceil(date.getTime() / 60_000) * 60_000);

/** `2026-11-21 04:40 UTC` */
function utc(date: Date): string {
  const [day = '', clock = ''] = date.toISOString().split('T');
  return `${day} ${clock.slice(0, 5)} UTC`;
}

/** Below the beginning of code that is too long for messages. */
export function shortenedCode(fileName: string): string {
  return `The full code is in the file ${inlineCode(fileName)}.`;
}

function longestRun(text: string, character: string): number {
  let longest = 0;
  let run = 0;
  for (const next of text) {
    run = next === character ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
}
