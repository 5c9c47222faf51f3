/** The figures of Discord as Markdown. */

import { BACKENDS } from './bots.ts';
import { type AllDiscordFigures, CROWD, type DiscordFigures, SLOW_MS } from './discord-figures.ts';
import type { Streamed } from './discord-measure.ts';
import type { Extent } from './extent.ts';
import { lines, milliseconds, spread, TITLES, verdictOn } from './table.ts';

/** Of a first acknowledgement, at p99. */
const GOAL_MS = 500;

export function discordReport(
  all: AllDiscordFigures,
  { bursts, streamSeconds }: Extent['discord'],
): string {
  const rows: readonly (readonly [title: string, of: (figures: DiscordFigures) => string])[] = [
    [
      `Interaction to acknowledgement, ${CROWD} at once, ${bursts} times`,
      ({ acknowledged }) => {
        const verdict = verdictOn(acknowledged.p99 <= GOAL_MS);
        return `${spread(acknowledged)} (p99 at most ${milliseconds(GOAL_MS)}: ${verdict})`;
      },
    ],
    ['Message to request, idle', ({ idle }) => spread(idle)],
    ...streamRows(`An answer of ${streamSeconds} s`, ({ streamed }) => streamed),
    ...streamRows(
      `The same, Discord takes ${SLOW_MS / 1000} s for an edit`,
      ({ streamedSlowly }) => streamedSlowly,
    ),
  ];
  const backends = BACKENDS.flatMap((name) => {
    const figures = all.get(name);
    return figures === undefined ? [] : [{ name, figures }];
  });
  const table = lines(
    ['', ...backends.map(({ name }) => TITLES[name])],
    rows.map(([title, of]) => [title, ...backends.map(({ figures }) => of(figures))]),
  );
  return ['### Discord', '', ...table].join('\n');
}

function streamRows(
  title: string,
  of: (figures: DiscordFigures) => Streamed,
): readonly (readonly [string, (figures: DiscordFigures) => string])[] {
  return [
    [
      `${title}: edits while it grows, least time between two`,
      (figures) => `${of(figures).edits}, ${milliseconds(of(figures).leastGapMs)}`,
    ],
    [
      `${title}: age of the newest text in an edit, median, most`,
      (figures) => {
        const { age, leastGapMs } = of(figures);
        const verdict = verdictOn(age.max <= leastGapMs);
        return `${milliseconds(age.median)}, ${milliseconds(age.max)} (at most one gap: ${verdict})`;
      },
    ],
    [
      `${title}: from its last word to the whole of it`,
      (figures) => milliseconds(of(figures).completeAfterMs),
    ],
  ];
}
