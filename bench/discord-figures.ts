/** Takes Latchkey on Discord through its measurements, on both backends. */

import { BACKENDS, type Backend, startLatchkey } from './bots.ts';
import { acknowledgements, meet, type Streamed, stream, whenIdle } from './discord-measure.ts';
import { type DiscordStage, openDiscordStage } from './discord-stage.ts';
import type { Extent } from './extent.ts';
import type { Spread } from './stats.ts';

/** How many interactions come at once. */
export const CROWD = 50;
/** More than Latchkey leaves between two edits, so that they queue up if they can. */
export const SLOW_MS = 2_000;

export interface DiscordFigures {
  readonly acknowledged: Spread;
  readonly idle: Spread;
  readonly streamed: Streamed;
  /** The same where Discord takes {@link SLOW_MS} for an edit. */
  readonly streamedSlowly: Streamed;
}

export type AllDiscordFigures = ReadonlyMap<Backend, DiscordFigures>;

/**
 * Both backends run beside each other to save time: one is at rest while the other is measured, but
 * for the long answers, which take seconds and little of the processor.
 */
export async function measureDiscord(
  extent: Extent['discord'],
  options: {
    readonly profileDir?: string | undefined;
    readonly onPhase: (phase: string) => void;
  },
): Promise<AllDiscordFigures> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const stages = await Promise.all(
      BACKENDS.map(async (backend) => {
        const stage = await openDiscordStage(CROWD);
        closers.push(stage.close);
        return { backend, stage };
      }),
    );
    options.onPhase('start');
    const starts = await Promise.allSettled(
      stages.map(async ({ backend, stage }) => {
        const { discord, provider, settings: platform } = stage;
        const { profileDir } = options;
        const bot = await startLatchkey(backend, { platform, provider, profileDir });
        closers.push(() => bot.stop());
        await stage.until(() => discord.gateway.connections > 0 && discord.commands.length > 0);
      }),
    );
    // Only now: one that still started would be left behind.
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    const quick: Pick<DiscordFigures, 'acknowledged' | 'idle'>[] = [];
    for (const { backend, stage } of stages) {
      options.onPhase(`${backend}, idle`);
      await meet(stage);
      const idle = await whenIdle(stage, extent.idleSamples);
      options.onPhase(`${backend}, ${CROWD} interactions at once`);
      quick.push({ idle, acknowledged: await acknowledgements(stage, extent.bursts) });
    }
    options.onPhase('a long answer');
    const all = await Promise.all(
      stages.map(async ({ backend, stage }, i): Promise<[Backend, DiscordFigures]> => {
        const others = quick[i];
        if (others === undefined) throw new Error('a backend was not measured');
        return [backend, { ...others, ...(await longAnswers(stage, extent.streamSeconds)) }];
      }),
    );
    return new Map(all);
  } finally {
    // Each bot before the stage that it plays on.
    for (const close of closers.reverse()) await close();
  }
}

async function longAnswers(
  stage: DiscordStage,
  seconds: number,
): Promise<Pick<DiscordFigures, 'streamed' | 'streamedSlowly'>> {
  const [ann, ben] = stage.people;
  if (ann === undefined || ben === undefined) throw new Error('nobody is there');
  const [streamed, streamedSlowly] = await Promise.all([
    stream(stage, ann, { seconds, slowMs: 0 }),
    stream(stage, ben, { seconds, slowMs: SLOW_MS }),
  ]);
  return { streamed, streamedSlowly };
}
