/** What stands within a line of Markdown. */

import type { Definition, PhrasingContent } from 'mdast';
import { isLineBreak, plain } from '../../../text/parsing/plain.ts';
import type { Builder } from './builder.ts';
import { clean } from './clean.ts';
import { BOLD, ITALIC, STRIKE } from './line.ts';
import { bareLink, maskedLink } from './link.ts';

export interface WalkContext {
  readonly out: Builder;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Latchkey's own words: times in them are shown in the reader's zone. */
  readonly isOwn: boolean;
  restore(text: string): string;
}

export function renderInline(nodes: readonly PhrasingContent[], context: WalkContext): void {
  for (const node of nodes) renderNode(node, context);
}

function renderNode(node: PhrasingContent, context: WalkContext): void {
  const { out, restore } = context;
  switch (node.type) {
    case 'text':
      out.write(restore(node.value));
      break;
    case 'html':
      if (isLineBreak(node.value)) out.newline();
      else out.write(restore(node.value));
      break;
    case 'break':
      out.newline();
      break;
    case 'strong':
      out.styled(BOLD, () => renderInline(node.children, context));
      break;
    case 'emphasis':
      out.styled(ITALIC, () => renderInline(node.children, context));
      break;
    case 'delete':
      out.styled(STRIKE, () => renderInline(node.children, context));
      break;
    case 'inlineCode':
      out.code(restore(node.value));
      break;
    case 'link':
      renderLink(node.url, plain(node, context), context);
      break;
    case 'linkReference': {
      const url = context.definitions.get(node.identifier)?.url ?? '';
      renderLink(url, plain(node, context), context);
      break;
    }
    case 'image':
      renderLink(node.url, restore(node.alt ?? '').trim() || 'image', context);
      break;
    case 'imageReference': {
      const url = context.definitions.get(node.identifier)?.url ?? '';
      renderLink(url, restore(node.alt ?? '').trim() || 'image', context);
      break;
    }
    case 'footnoteReference':
      out.write(`[${restore(node.label ?? node.identifier)}]`);
      break;
  }
}

function renderLink(raw: string, rawLabel: string, context: WalkContext): void {
  const { out, isOwn } = context;
  const url = clean(context.restore(raw)).trim();
  const label = clean(rawLabel).replaceAll('\n', ' ');
  const seconds = /^time:(\d{1,10})$/.exec(url)?.[1];
  if (seconds !== undefined) {
    if (isOwn) out.solid(`<t:${seconds}:f>`);
    else out.write(label);
    return;
  }
  const bare = url.replace(/^mailto:/i, '');
  if (label === url || label === bare || `http://${label}` === url) {
    out.write(label);
    return;
  }
  const masked = maskedLink(label, url);
  if (masked !== undefined) {
    out.solid(masked);
    return;
  }
  out.write(label);
  if (bare === '' || bare.startsWith('#')) return;
  const shown = bareLink(bare);
  if (label.trim() !== '') out.write(' (');
  if (shown === undefined) out.write(bare);
  else out.solid(shown);
  if (label.trim() !== '') out.write(')');
}
