/** What stands within a line of Markdown. */

import type { Definition, PhrasingContent } from 'mdast';
import { isLineBreak, plain } from '../../../text/parsing/plain.ts';
import { linkable } from './address.ts';
import type { Builder } from './builder.ts';

export interface WalkContext {
  readonly out: Builder;
  readonly definitions: ReadonlyMap<string, Definition>;
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
      out.write(isLineBreak(node.value) ? '\n' : restore(node.value));
      break;
    case 'break':
      out.write('\n');
      break;
    case 'strong':
      out.styled({ type: 'bold' }, () => renderInline(node.children, context));
      break;
    case 'emphasis':
      out.styled({ type: 'italic' }, () => renderInline(node.children, context));
      break;
    case 'delete':
      out.styled({ type: 'strikethrough' }, () => renderInline(node.children, context));
      break;
    case 'inlineCode':
      // Telegram has no code inside links, and the link is worth more.
      if (out.isOpen('text_link')) out.write(restore(node.value));
      else out.solid({ type: 'code' }, restore(node.value));
      break;
    case 'link':
      renderLink(
        node.url,
        context,
        () => renderInline(node.children, context),
        plain(node, context),
      );
      break;
    case 'linkReference': {
      const url = context.definitions.get(node.identifier)?.url ?? '';
      renderLink(url, context, () => renderInline(node.children, context), plain(node, context));
      break;
    }
    case 'image':
      renderImage(node.alt, node.url, context);
      break;
    case 'imageReference':
      renderImage(node.alt, context.definitions.get(node.identifier)?.url ?? '', context);
      break;
    case 'footnoteReference':
      out.write(`[${restore(node.label ?? node.identifier)}]`);
      break;
  }
}

function renderImage(alt: string | null | undefined, url: string, context: WalkContext): void {
  const label = context.restore(alt ?? '').trim() || 'image';
  // A picture that is a link itself: that link is where one wants to go.
  if (context.out.isOpen('text_link')) context.out.write(label);
  else renderLink(url, context, () => context.out.write(label), label);
}

function renderLink(raw: string, context: WalkContext, body: () => void, label: string): void {
  const { out } = context;
  const url = context.restore(raw);
  const seconds = unixTime(url);
  if (seconds !== undefined) {
    out.solid({ type: 'date_time', unix_time: seconds, date_time_format: 'Dt' }, label);
    return;
  }
  const bare = url.replace(/^mailto:/i, '');
  if (label === url || label === bare || `http://${label}` === url) {
    // An address that stands for itself: Telegram links it.
    out.write(label);
    return;
  }
  const address = linkable(url);
  if (address !== undefined && label.trim() !== '') {
    out.styled({ type: 'text_link', url: address }, body);
    return;
  }
  body();
  if (bare === '' || bare.startsWith('#')) return;
  out.write(label.trim() === '' ? bare : ` (${bare})`);
}

/** `time:1700000000`; the upper bound is Telegram's, of 32 bits. */
function unixTime(url: string): number | undefined {
  const digits = /^time:(\d{1,10})$/.exec(url)?.[1];
  if (digits === undefined) return undefined;
  const seconds = Number(digits);
  return seconds > 0 && seconds < 2 ** 31 ? seconds : undefined;
}
