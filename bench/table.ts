/** How tables and figures are written. */

import type { BotName } from './bots.ts';
import type { Spread } from './stats.ts';

export const TITLES: Readonly<Record<BotName, string>> = {
  bare: 'bare script',
  postgres: 'Latchkey, embedded PostgreSQL',
  redis: 'Latchkey, Redis',
};

export function lines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)];
}

export function spread({ median, p99 }: Spread): string {
  return `${milliseconds(median)}, p99 ${milliseconds(p99)}`;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function megabytes(value: number): string {
  return `${value.toFixed(0)} MB`;
}

export function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}

export function verdictOn(isReached: boolean): string {
  return isReached ? 'reached' : '**not reached**';
}
