/**
 * Markdown to styled lines, one line at a time: how a line looks depends only on the lines before
 * it. So what was printed while an answer grew is already its final form.
 */

import { type InlineOptions, MAX_PARSED, renderInline } from './inline.ts';
import { BLANK, type Line, line, type Span, span } from './style.ts';

interface Fence {
  readonly marker: string;
  readonly indent: number;
  readonly quoted: boolean;
}

export interface MarkdownLines {
  /** @param text one line without its end @returns what to print for it: nothing or more lines */
  push(text: string): Line[];
  /** How an unfinished line would look now; changes nothing. */
  peek(text: string): Line[];
  /** Closes what is still open. */
  end(): Line[];
}

const FENCE = /^(\s*(?:>\s?)*)((?:[-*+]|\d{1,9}[.)])\s+)?(`{3,}(?=[^`]*$)|~{3,})\s*(\S*)/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const ITEM = /^([ \t]*)([-*+]|\d{1,9}[.)])[ \t]+(.*)$/;
const QUOTE = /^ {0,3}>[ \t]?(.*)$/;
const TABLE_ROW = /^\s*\|/;
const INDENTED_CODE = /^(?: {4}|\t)/;

/** Quotations within quotations; deeper ones are shown as they came. */
const MAX_DEPTH = 5;
/** Columns of the rule above and below code: fits into the narrowest terminals. */
const CODE_RULE = 24;

export function markdownLines(options: InlineOptions): MarkdownLines {
  let fence: Fence | undefined;
  /** After a blank line, or at the start: a further blank line adds nothing. */
  let blank = true;
  /** Inside a list, indented text belongs to an item; elsewhere it is code. */
  let inList = false;
  let inIndentedCode = false;

  function render(text: string): Line[] {
    const fenced = fence === undefined ? undefined : inFence(text, fence);
    if (fenced !== undefined) return fenced;
    if (text.trim() === '') {
      if (blank) return [];
      blank = true;
      return [BLANK];
    }
    const afterBlank = blank;
    blank = false;
    const opening = FENCE.exec(text);
    if (opening) return openFence(opening);
    if (ITEM.test(text) && !RULE.test(text)) inList = true;
    else if (afterBlank && !/^\s/.test(text)) inList = false;
    inIndentedCode = INDENTED_CODE.test(text) && !inList && (afterBlank || inIndentedCode);
    if (inIndentedCode) return [codeLine(text.replace(INDENTED_CODE, ''))];
    return [flow(text)];
  }

  function inFence(text: string, open: Fence): Line[] | undefined {
    const quote = open.quoted ? /^\s*(?:>\s?)+/.exec(text) : undefined;
    if (quote === null) {
      // The quotation ended, and its code with it.
      fence = undefined;
      return [...closeFence(open), ...render(text)];
    }
    const inner = quote === undefined ? text : text.slice(quote[0].length);
    const closing = /^\s*(`{3,}|~{3,})\s*$/.exec(inner)?.[1];
    if (closing?.startsWith(open.marker)) {
      fence = undefined;
      return closeFence(open);
    }
    const indent = Math.min(open.indent, inner.length - inner.trimStart().length);
    return [codeLine(inner.slice(indent))];
  }

  function openFence(match: RegExpExecArray): Line[] {
    const [, prefix = '', item = '', marker = '', language = ''] = match;
    const quoted = prefix.includes('>');
    fence = { marker, indent: quoted ? 0 : prefix.length + item.length, quoted };
    const lead = item === '' ? [] : [flow(`${prefix}${item}`)];
    if (!options.color) return [...lead, { spans: [span(`${marker}${language}`)] }];
    const name = language === '' ? '' : ` ${language.slice(0, CODE_RULE - 6)} `;
    return [...lead, { spans: [span(`──${name}`.padEnd(CODE_RULE, '─'), 'dim')] }];
  }

  function closeFence(open: Fence): Line[] {
    if (!options.color) return [{ spans: [span(open.marker)] }];
    return [{ spans: [span('─'.repeat(CODE_RULE), 'dim')] }];
  }

  function codeLine(text: string): Line {
    return { spans: [span(text, 'code')] };
  }

  function flow(text: string, depth = 0): Line {
    if (text.length > MAX_PARSED || depth > MAX_DEPTH) return line(span(text));
    const heading = HEADING.exec(text);
    if (heading) {
      const [, marks = '', title = ''] = heading;
      const lead = options.color ? [] : [span(`${marks} `)];
      return {
        spans: [...lead, ...renderInline(title.replace(/ #+ *$/, ''), options, 'bold')],
        hang: 0,
      };
    }
    if (RULE.test(text)) return { spans: [span('─'.repeat(CODE_RULE), 'dim')] };
    const quote = QUOTE.exec(text);
    if (quote) {
      const inner = flow(quote[1] ?? '', depth + 1);
      return {
        spans: [span('│ ', 'dim'), ...inner.spans],
        ...(inner.hang === undefined ? {} : { hang: inner.hang + 2 }),
      };
    }
    const item = ITEM.exec(text);
    if (item) {
      const [, indent = '', mark = '', content = ''] = item;
      const lead = `${indent.replaceAll('\t', '    ')}${/\d/.test(mark) ? mark : '•'} `;
      return { spans: [span(lead), ...renderInline(content, options)], hang: lead.length };
    }
    if (TABLE_ROW.test(text)) return { spans: tableRow(text) };
    const content = text.trimStart();
    const indent = inList ? text.length - content.length : 0;
    return {
      spans: [span(' '.repeat(indent)), ...renderInline(withoutBreak(content), options)],
      hang: indent,
    };
  }

  function tableRow(text: string): Span[] {
    return /^[\s|:-]+$/.test(text) ? [span(text, 'dim')] : renderInline(text.trim(), options);
  }

  return {
    push: (text) => render(text.replace(/\r$/, '')),
    peek(text) {
      const before = { fence, blank, inList, inIndentedCode };
      const lines = render(text);
      ({ fence, blank, inList, inIndentedCode } = before);
      return lines;
    },
    end() {
      const lines = fence === undefined ? [] : closeFence(fence);
      fence = undefined;
      return lines;
    },
  };
}

/** Spaces or a backslash at the end break a line; here every line stands on its own anyway. */
function withoutBreak(text: string): string {
  const trimmed = text.trimEnd();
  const backslashes = /\\*$/.exec(trimmed)?.[0].length ?? 0;
  return backslashes % 2 === 1 ? trimmed.slice(0, -1) : trimmed;
}

/** A whole text at once, without blank lines at its ends. */
export function renderMarkdown(markdown: string, options: InlineOptions): Line[] {
  const renderer = markdownLines(options);
  const lines = markdown
    .trimEnd()
    .split('\n')
    .flatMap((text) => renderer.push(text));
  return [...lines, ...renderer.end()];
}

/** A sentence of Latchkey's own, below an answer or on its own. */
export function quiet(text: string, options: InlineOptions): Line {
  return line(...renderInline(text, options, 'dim'));
}
