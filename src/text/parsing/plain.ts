/** What a node of Markdown says without its formatting. */

import type { ListItem, Nodes } from 'mdast';
import type { Parsed } from './parse.ts';

export function isLineBreak(html: string): boolean {
  return /^<br\s*\/?>$/i.test(html);
}

/** The text of a node without formatting, in one line. */
export function plain(node: Nodes, context: Pick<Parsed, 'restore'>): string {
  if (node.type === 'break') return ' ';
  if (node.type === 'html' && isLineBreak(node.value)) return ' ';
  if ('value' in node) return context.restore(node.value).replaceAll('\n', ' ');
  if (node.type === 'image' || node.type === 'imageReference')
    return context.restore(node.alt ?? '');
  if (node.type === 'footnoteReference')
    return `[${context.restore(node.label ?? node.identifier)}]`;
  if (!('children' in node)) return '';
  return node.children.map((child) => plain(child, context)).join('');
}

/** How the box of a task in a list begins its line; empty for what is no task. */
export function checkbox({ checked }: ListItem): string {
  if (checked === null || checked === undefined) return '';
  return checked ? '☑ ' : '☐ ';
}
