/** Markdown to mdast, in time that grows with the length only. */

import type { Definition, Nodes, RootContent } from 'mdast';
import { fromMarkdown, type Options } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';
import { columns, type FencedCode, sections } from './fences.ts';
import { type Chunk, chunks, holdLatex, Shield } from './shield.ts';

export interface ParsedPart {
  readonly blocks: readonly RootContent[];
  /** What stood between this part and the one before: long texts are parsed in several. */
  readonly before: Chunk['before'];
}

export interface Parsed {
  readonly parts: readonly ParsedPart[];
  /** By identifier. */
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Every text, code, address and label of the tree has to go through it. */
  restore(text: string): string;
}

/**
 * Without blocks of HTML, so that Markdown between tags is rendered and the tags are shown; without
 * underlined headings: a line of text above `---` is no heading to a model, and they cost the parser
 * time that grows with the square of their number. Addresses are left to Telegram, which links them
 * itself, except that nothing in them is formatting.
 */
const options: Options = {
  extensions: [gfm({ singleTilde: false }), { disable: { null: ['htmlFlow', 'setextUnderline'] } }],
  mdastExtensions: gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] })),
};

/** Never throws: what the parser does not take is text. */
export function parse(markdown: string): Parsed {
  const shield = new Shield();
  const source = holdLatex(holdCode(wellFormed(markdown), shield), shield);
  const definitions = new Map<string, Definition>();
  const parts = chunks(source).map((chunk): ParsedPart => {
    const blocks = parseChunk(chunk.source);
    collectDefinitions(blocks, definitions);
    return { blocks, before: chunk.before };
  });
  return { parts, definitions, restore: (text) => shield.restore(text) };
}

function wellFormed(markdown: string): string {
  return markdown.toWellFormed().replace(/\r\n?/g, '\n');
}

/** Replaces what fences hold by stand-ins, and makes the fences themselves regular. */
function holdCode(markdown: string, shield: Shield): string {
  return sections(markdown)
    .map((section) => (section.type === 'lines' ? section.text : fenced(section, shield)))
    .join('');
}

function fenced({ prefix, fence, info, content }: FencedCode, shield: Shield): string {
  // As deep as the fence: within the same item of a list.
  const indent = ' '.repeat(columns(prefix));
  const body = content === '' ? '' : `${indent}${shield.hold(content)}\n`;
  return `${prefix}${fence}${info}\n${body}${indent}${fence}\n`;
}

function parseChunk(source: string): RootContent[] {
  try {
    return fromMarkdown(source, options).children;
  } catch {
    return [{ type: 'paragraph', children: [{ type: 'text', value: source }] }];
  }
}

function collectDefinitions(nodes: readonly Nodes[], into: Map<string, Definition>): void {
  for (const node of nodes) {
    if (node.type === 'definition') {
      if (!into.has(node.identifier)) into.set(node.identifier, node);
    } else if (node.type === 'blockquote' || node.type === 'list' || node.type === 'listItem') {
      collectDefinitions(node.children, into);
    }
  }
}

/** Identifiers of the definitions that links and images in the text use. */
export function usedDefinitions({ parts, definitions }: Parsed): ReadonlySet<string> {
  const used = new Set<string>();
  if (definitions.size === 0) return used;
  const waiting: Nodes[] = parts.flatMap(({ blocks }) => blocks);
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === 'linkReference' || node.type === 'imageReference') used.add(node.identifier);
    if ('children' in node) waiting.push(...node.children);
  }
  return used;
}
