/** Buttons in a terminal: numbered choices, of which those shown last can be taken. */

import type { Button } from '../../chat/platform.ts';
import { type Line, line, type Span, span } from './style.ts';

export interface Choice {
  readonly label: string;
  readonly action: string;
  readonly messageId: string;
}

type ButtonRows = readonly (readonly Button[])[];

export interface Choices {
  /** Replaces what could be taken before. @returns what to print */
  offer(messageId: string, rows: ButtonRows): Line[];
  /** The choice with this number, once; the other choices go with it. */
  take(text: string): Choice | undefined;
  withdraw(messageId?: string): void;
}

export function createChoices(): Choices {
  let open: Choice[] = [];
  return {
    offer(messageId, rows) {
      open = [];
      const lines: Line[] = [];
      for (const row of rows) {
        const spans: Span[] = [];
        for (const button of row) {
          if ('action' in button) {
            open.push({ label: button.label, action: button.action, messageId });
            if (spans.length > 0) spans.push(span('   '));
            spans.push(span(`[${open.length}]`, 'bold'), span(` ${button.label}`));
          } else if ('url' in button) {
            lines.push(line(span(button.label), span(': '), span(button.url, 'underline')));
          }
          // A button that opens the direct chat has no use here: this is it.
        }
        if (spans.length > 0) lines.push(line(...spans));
      }
      return lines;
    },
    take(text) {
      if (!/^\d{1,3}$/.test(text)) return undefined;
      const choice = open[Number(text) - 1];
      if (choice) open = [];
      return choice;
    },
    withdraw(messageId) {
      if (messageId === undefined || open[0]?.messageId === messageId) open = [];
    },
  };
}
