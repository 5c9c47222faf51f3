/** Blocks of Markdown: paragraphs, lists, code, tables … */

import type { Code, Definition, Heading, List, ListItem, RootContent, Table } from 'mdast';
import { checkbox, plain } from '../../../text/parsing/plain.ts';
import { alignTable } from '../../../text/parsing/table.ts';
import { clean } from './clean.ts';
import { renderInline, type WalkContext } from './inline.ts';

/** One for each depth of a list, then over again. */
const BULLETS = ['•', '◦', '▪'];
const RULE = '──────────';
/** Telegram takes any word; more than a word is no language. */
const LANGUAGE = /^[\w+#-]{1,32}/;

export interface BlockContext extends WalkContext {
  /** Lists around this block. */
  readonly depth: number;
  /** Identifiers of the definitions that links in the text use. */
  readonly used: ReadonlySet<string>;
}

export function renderBlocks(blocks: readonly RootContent[], context: BlockContext): void {
  let previous: RootContent | undefined;
  for (const block of blocks) {
    if (isInvisible(block, context)) continue;
    if (previous !== undefined) context.out.gap(gapBetween(previous, block));
    renderBlock(block, context);
    previous = block;
  }
}

function isInvisible(block: RootContent, { used }: BlockContext): boolean {
  return block.type === 'definition' && used.has(block.identifier);
}

/** In newlines: a blank line where the author left one, but none around what Telegram sets apart. */
function gapBetween(previous: RootContent, next: RootContent): number {
  const apart = isPre(previous) !== isPre(next);
  if (apart || (previous.type === 'heading' && next.type !== 'heading')) return 1;
  if (isPre(previous) || previous.type === 'heading' || next.type === 'heading') return 2;
  const end = previous.position?.end.line ?? 0;
  const start = next.position?.start.line ?? 0;
  return start - end > 1 ? 2 : 1;
}

function isPre({ type }: RootContent): boolean {
  return type === 'code' || type === 'table';
}

function renderBlock(block: RootContent, context: BlockContext): void {
  const { out } = context;
  switch (block.type) {
    case 'paragraph':
      renderInline(block.children, context);
      break;
    case 'heading':
      renderHeading(block, context);
      break;
    case 'code':
      renderCode(block, context);
      break;
    case 'blockquote':
      out.quote(() => renderBlocks(block.children, context));
      break;
    case 'list':
      renderList(block, context);
      break;
    case 'table':
      renderTable(block, context);
      break;
    case 'thematicBreak':
      out.write(RULE);
      break;
    case 'html':
      out.write(context.restore(block.value));
      break;
    case 'definition':
      renderDefinition(block, context);
      break;
    case 'footnoteDefinition':
      out.write(`[${context.restore(block.label ?? block.identifier)}] `);
      renderBlocks(block.children, context);
      break;
  }
}

function renderHeading({ children }: Heading, context: BlockContext): void {
  context.out.styled({ type: 'bold' }, () => renderInline(children, context));
}

function renderCode({ lang, value }: Code, context: BlockContext): void {
  const language = LANGUAGE.exec(context.restore(lang ?? ''))?.[0];
  const look = { type: 'pre' as const, ...(language === undefined ? {} : { language }) };
  context.out.block(look, context.restore(value));
}

/** A definition that no link uses was meant to be read. */
function renderDefinition(
  { label, identifier, url, title }: Definition,
  context: BlockContext,
): void {
  const name = context.restore(label ?? identifier);
  const end = title === null || title === undefined ? '' : ` "${context.restore(title)}"`;
  context.out.write(`[${name}]: ${context.restore(url)}${end}`);
}

function renderList({ ordered, start, children }: List, context: BlockContext): void {
  const { out, depth } = context;
  let number = start ?? 1;
  let previous: ListItem | undefined;
  for (const item of children) {
    if (previous !== undefined) out.gap(gapBetween(previous, item));
    const bullet = ordered === true ? `${number}.` : (BULLETS[depth % BULLETS.length] ?? '•');
    out.write(`${bullet} ${checkbox(item)}`);
    out.indented('   ', () => renderBlocks(item.children, { ...context, depth: depth + 1 }));
    number += 1;
    previous = item;
  }
}

function renderTable({ children, align }: Table, context: BlockContext): void {
  const { out } = context;
  const rows = children.map((row) =>
    row.children.map((cell) => clean(plain(cell, context)).trim()),
  );
  const aligned = alignTable({ rows, align: align ?? [] });
  if (aligned === undefined) {
    renderRecords(children, context);
    return;
  }
  out.block({ type: 'pre' }, aligned);
  renderTableLinks(children, context);
}

/** A table too wide for any screen: each row as a list of what its columns say. */
function renderRecords([heading, ...rows]: Table['children'], context: BlockContext): void {
  const { out } = context;
  const names = heading?.children.map((cell) => clean(plain(cell, context)).trim()) ?? [];
  for (const [index, { children }] of rows.entries()) {
    if (index > 0) out.gap(2);
    for (const [column, cell] of children.entries()) {
      if (cell.children.length === 0) continue;
      if (column === 0) {
        out.styled({ type: 'bold' }, () => renderInline(cell.children, context));
      } else {
        out.gap(1);
        out.write(`• ${names[column] ?? ''}: `);
        out.indented('   ', () => renderInline(cell.children, context));
      }
    }
  }
}

/** Code holds no links: they stand below. */
function renderTableLinks(rows: Table['children'], context: BlockContext): void {
  let any = false;
  for (const { children } of rows) {
    for (const cell of children) {
      for (const node of cell.children) {
        if (node.type !== 'link' || plain(node, context) === context.restore(node.url)) continue;
        context.out.gap(1);
        renderInline([node], context);
        any = true;
      }
    }
  }
  if (any) context.out.gap(2);
}
