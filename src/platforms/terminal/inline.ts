/** Markdown within a line (bold, code, links …) as styled text. */

import type { PhrasingContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { type Span, type Style, span } from './style.ts';

/** Parsing takes time that grows faster than the text where it is made of brackets or stars. */
export const MAX_PARSED = 4000;

/** A line is never a block here: what begins one is recognised before (see `markdown.ts`). */
const inlineOnly = {
  disable: {
    null: [
      'blockQuote',
      'codeFenced',
      'codeIndented',
      'definition',
      'headingAtx',
      'htmlFlow',
      'htmlText',
      'list',
      'setextUnderline',
      'thematicBreak',
    ],
  },
};

export interface InlineOptions {
  /** Without colours, code keeps its backticks, so that it can be told from words. */
  readonly color: boolean;
  /** IANA name; absent: that of the machine. */
  readonly timeZone?: string;
}

export function renderInline(text: string, options: InlineOptions, ...styles: Style[]): Span[] {
  if (text.length > MAX_PARSED) return [span(text, ...styles)];
  const tree = fromMarkdown(text, {
    extensions: [gfm({ singleTilde: false }), inlineOnly],
    mdastExtensions: [gfmFromMarkdown()],
  });
  const paragraph = tree.children[0];
  if (tree.children.length !== 1 || paragraph?.type !== 'paragraph') return [span(text, ...styles)];
  const spans: Span[] = [];
  walk(paragraph.children, styles, options, spans);
  return spans;
}

function walk(
  nodes: readonly PhrasingContent[],
  styles: readonly Style[],
  options: InlineOptions,
  spans: Span[],
): void {
  for (const node of nodes) {
    switch (node.type) {
      case 'text':
      case 'html':
        spans.push({ text: node.value, styles });
        break;
      case 'inlineCode': {
        const code = options.color ? node.value : `\`${node.value}\``;
        spans.push({ text: code, styles: [...styles, 'code'] });
        break;
      }
      case 'strong':
        walk(node.children, [...styles, 'bold'], options, spans);
        break;
      case 'emphasis':
        walk(node.children, [...styles, 'italic'], options, spans);
        break;
      case 'delete':
        walk(node.children, [...styles, 'strike'], options, spans);
        break;
      case 'link': {
        const time = localTime(node.url, options.timeZone);
        if (time !== undefined) {
          spans.push({ text: time, styles });
          break;
        }
        const before = spans.length;
        walk(node.children, [...styles, 'underline'], options, spans);
        const label = spans.slice(before).map((part) => part.text);
        if (!sameAddress(label.join(''), node.url)) spans.push(span(` (${node.url})`, 'dim'));
        break;
      }
      case 'image':
        spans.push({ text: `${node.alt ?? ''} (${node.url})`.trimStart(), styles });
        break;
      case 'break':
        spans.push({ text: ' ', styles });
        break;
      case 'footnoteReference':
      case 'imageReference':
      case 'linkReference':
        spans.push({ text: `[${node.label ?? node.identifier}]`, styles });
        break;
    }
  }
}

function sameAddress(label: string, url: string): boolean {
  return [label, `http://${label}`, `https://${label}`, `mailto:${label}`].includes(url);
}

/** The latest moment that a Date can hold, in seconds. */
const MAX_UNIX = 8.64e12;

/** `time:1767225600` (Unix seconds) as the reader's clock shows it; undefined for other addresses. */
function localTime(url: string, timeZone: string | undefined): string | undefined {
  const unix = /^time:(\d{1,13})$/.exec(url)?.[1];
  if (unix === undefined || Number(unix) > MAX_UNIX) return undefined;
  const format = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'medium',
    timeStyle: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return format.format(new Date(Number(unix) * 1000));
}
