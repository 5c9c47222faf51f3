/** Blocks of Markdown: paragraphs, lists, code, tables … */

import type { Code, Definition, Heading, List, ListItem, RootContent, Table } from 'mdast';
import { checkbox, plain } from '../../../text/parsing/plain.ts';
import { alignTable } from '../../../text/parsing/table.ts';
import { clean } from './clean.ts';
import { renderInline, type WalkContext } from './inline.ts';
import { BOLD } from './line.ts';

const RULE = '──────────';
/** What Discord takes for a language behind a fence. */
const LANGUAGE = /^[\w+#.-]{1,32}/;
/** Discord has headings of three sizes. */
const HEADINGS = 3;

export interface BlockContext extends WalkContext {
  /** Identifiers of the definitions that links in the text use. */
  readonly used: ReadonlySet<string>;
}

export function renderBlocks(blocks: readonly RootContent[], context: BlockContext): void {
  let previous: RootContent | undefined;
  for (const block of blocks) {
    if (block.type === 'definition' && context.used.has(block.identifier)) continue;
    if (previous !== undefined) context.out.gap(gapBetween(previous, block));
    renderBlock(block, context);
    previous = block;
  }
}

/** In newlines: a blank line where the author left one, but none around what Discord sets apart. */
function gapBetween(previous: RootContent, next: RootContent): number {
  if (isSetApart(previous) || isSetApart(next)) return 1;
  const end = previous.position?.end.line ?? 0;
  const start = next.position?.start.line ?? 0;
  return start - end > 1 ? 2 : 1;
}

function isSetApart({ type }: RootContent): boolean {
  return type === 'code' || type === 'table' || type === 'heading';
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

function renderHeading({ depth, children }: Heading, context: BlockContext): void {
  const { out } = context;
  const mark = depth <= HEADINGS ? `${'#'.repeat(depth)} ` : '';
  out.heading(mark, () => {
    if (mark === '') out.styled(BOLD, () => renderInline(children, context));
    else renderInline(children, context);
  });
}

function renderCode({ lang, value }: Code, context: BlockContext): void {
  const language = LANGUAGE.exec(context.restore(lang ?? ''))?.[0] ?? '';
  context.out.block(context.restore(value), language);
}

/** A definition that no link uses was meant to be read. */
function renderDefinition(
  { label, identifier, url, title }: Definition,
  { out, restore }: BlockContext,
): void {
  const end = title === null || title === undefined ? '' : ` "${restore(title)}"`;
  out.write(`[${restore(label ?? identifier)}]: ${restore(url)}${end}`);
}

function renderList({ ordered, start, children }: List, context: BlockContext): void {
  const { out } = context;
  let number = start ?? 1;
  let previous: ListItem | undefined;
  for (const item of children) {
    if (previous !== undefined) out.gap(gapBetween(previous, item));
    out.item(ordered === true ? `${number}. ` : '- ', () => {
      const box = checkbox(item);
      if (box !== '') out.write(box);
      renderBlocks(item.children, context);
    });
    number += 1;
    previous = item;
  }
}

function renderTable({ children, align }: Table, context: BlockContext): void {
  const rows = children.map((row) =>
    row.children.map((cell) => clean(plain(cell, context)).replaceAll('\n', ' ').trim()),
  );
  const aligned = alignTable({ rows, align: align ?? [] });
  if (aligned === undefined) {
    renderRecords(children, context);
    return;
  }
  context.out.block(aligned, '');
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
        out.styled(BOLD, () => renderInline(cell.children, context));
        continue;
      }
      out.gap(1);
      out.item('- ', () => {
        out.write(`${names[column] ?? ''}: `);
        renderInline(cell.children, context);
      });
    }
  }
}

/** Code holds no links: they stand below. */
function renderTableLinks(rows: Table['children'], context: BlockContext): void {
  for (const { children } of rows) {
    for (const cell of children) {
      for (const node of cell.children) {
        if (node.type !== 'link' || plain(node, context) === context.restore(node.url)) continue;
        context.out.gap(1);
        renderInline([node], context);
      }
    }
  }
}
