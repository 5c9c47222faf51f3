/** Markdown to what Telegram shows. */

import { parse, usedDefinitions } from '../../../text/parsing/parse.ts';
import { renderBlocks } from './blocks.ts';
import { Builder } from './builder.ts';
import { neutralise } from './neutralise.ts';
import { type Rendered, slice } from './rendered.ts';

export interface RenderOptions {
  /** Whether `@names` and `/commands` outside of code are kept from taking effect. Default: true. */
  readonly neutraliseMentions?: boolean;
  /** Whether `/commands` stay pressable all the same: in the bot's own notices. Default: false. */
  readonly keepCommands?: boolean;
}

/**
 * Any text is valid Markdown: never throws. Time grows with the length of the text. The text is
 * trimmed, and as long as it comes out: {@link split} makes messages of it. A text of nothing
 * visible comes out empty.
 */
export function render(markdown: string, options: RenderOptions = {}): Rendered {
  const { neutraliseMentions = true, keepCommands = false } = options;
  const parsed = parse(markdown);
  const out = new Builder();
  const used = usedDefinitions(parsed);
  for (const { blocks, before } of parsed.parts) {
    if (before === ' ') out.write(' ');
    else out.gap(before.length);
    renderBlocks(blocks, { ...parsed, out, used, depth: 0 });
  }
  const built = out.finish();
  const trimmed = slice(built, 0, built.text.length);
  return neutraliseMentions ? neutralise(trimmed, { keepCommands }) : trimmed;
}
