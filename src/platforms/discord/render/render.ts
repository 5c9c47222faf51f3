/** Markdown to what Discord's messages are made of. */

import { parse, usedDefinitions } from '../../../text/parsing/parse.ts';
import { renderBlocks } from './blocks.ts';
import { Builder } from './builder.ts';
import { isInvisible } from './clean.ts';
import { sourceOf, type Unit } from './unit.ts';

export interface RenderOptions {
  /** For Latchkey's own words, in which times are shown in the reader's zone. Default: false. */
  readonly isOwn?: boolean;
}

/**
 * Any text is valid Markdown: never throws. Time grows with the length of the text. A text of
 * nothing visible comes out empty.
 */
export function render(markdown: string, { isOwn = false }: RenderOptions = {}): Unit[] {
  const parsed = parse(markdown);
  const out = new Builder();
  const used = usedDefinitions(parsed);
  for (const { blocks, before } of parsed.parts) {
    if (before === ' ') out.write(' ');
    else if (before !== '') out.gap(before.length);
    renderBlocks(blocks, { ...parsed, out, used, isOwn });
  }
  const units = out.finish();
  return units.every((unit) => unit.type === 'line' && isInvisible(sourceOf(unit))) ? [] : units;
}

/** One below the other, with a blank line between. */
export function join(texts: readonly (readonly Unit[])[]): Unit[] {
  return texts.flatMap((units, index) =>
    units.map((unit, at) => (at === 0 && index > 0 ? { ...unit, gap: 2 } : unit)),
  );
}
