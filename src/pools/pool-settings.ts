/** What a pool's owner has set for it, as it stands in `pools.settings`. */

import { DateTime } from 'luxon';
import { z } from 'zod';
import type { Rate } from '../funding/rates.ts';

export const POOL_WINDOWS = ['hour', 'day', 'month'] as const;
export type PoolWindow = (typeof POOL_WINDOWS)[number];

/** A minute; for all models the same, but for those that are named. */
const rate = z.object({
  each: z.number().int().positive().nullable(),
  of: z.record(z.string(), z.number().int().positive()),
});

const NO_RATE = { each: null, of: {} };

const shape = z.object({
  /** The first is the one that answers unless a member chose another. */
  models: z.array(z.string()).min(1),
  /** What a member may spend in a window of time, in micros; null: as much as is there. */
  memberMicros: z.object({
    hour: z.number().int().positive().nullable(),
    day: z.number().int().positive().nullable(),
    month: z.number().int().positive().nullable(),
  }),
  /** What all of them together may ever spend, in micros. */
  totalMicros: z.number().int().positive().nullable(),
  /** Of all together. */
  requestsPerMinute: rate,
  tokensPerMinute: rate,
  /** Of each member. */
  memberRequestsPerMinute: rate.default(NO_RATE),
  memberTokensPerMinute: rate.default(NO_RATE),
  /** `2026-12-31`: the last day, in the pool's time zone. */
  lastDay: z.string().nullable(),
  moderation: z.enum(['off', 'on', 'required']),
  /** What a member left of the window before is added to the next one. */
  carriesOver: z.boolean(),
  /** The owner reads what those ask who join from now on, and agree to it. */
  review: z.boolean(),
  /** IANA name. */
  zone: z.string(),
  /** Another zone, in force as soon as the windows that were open when it was set are over. */
  nextZone: z.object({ zone: z.string(), from: z.string() }).nullable(),
  mostMembers: z.number().int().positive(),
});

export type PoolSettings = Readonly<z.infer<typeof shape>>;
export type PoolRate = PoolSettings['requestsPerMinute'];

export const USUAL_SETTINGS: Omit<PoolSettings, 'models'> = {
  memberMicros: { hour: null, day: null, month: 1_000_000 },
  totalMicros: 20_000_000,
  requestsPerMinute: NO_RATE,
  tokensPerMinute: NO_RATE,
  memberRequestsPerMinute: NO_RATE,
  memberTokensPerMinute: NO_RATE,
  lastDay: null,
  moderation: 'on',
  carriesOver: false,
  review: false,
  zone: 'UTC',
  nextZone: null,
  mostMembers: 200,
};

/** @throws where the column holds something else */
export function readPoolSettings(column: unknown): PoolSettings {
  return shape.parse(column);
}

function rateOf(rates: PoolRate, model: string): number | null {
  return rates.of[model] ?? rates.each;
}

/** How fast a model may be asked on a pool: by one member, and by all together. */
export function poolRates(
  settings: PoolSettings,
  of: { readonly poolId: number; readonly userId: number },
  model: { readonly provider: string; readonly model: string },
): readonly Rate[] {
  const ofPool = { fundings: ['pool' as const], fundingId: of.poolId, model };
  return [
    {
      ...ofPool,
      userId: of.userId,
      requestsPerMinute: rateOf(settings.memberRequestsPerMinute, model.model),
      tokensPerMinute: rateOf(settings.memberTokensPerMinute, model.model),
    },
    {
      ...ofPool,
      requestsPerMinute: rateOf(settings.requestsPerMinute, model.model),
      tokensPerMinute: rateOf(settings.tokensPerMinute, model.model),
    },
  ];
}

/** The time zone that counts at a moment. */
export function zoneAt({ zone, nextZone }: PoolSettings, at: Date): string {
  return nextZone !== null && at >= new Date(nextZone.from) ? nextZone.zone : zone;
}

/** When its last day is over; undefined: it has none. */
export function endOf(settings: PoolSettings): Date | undefined {
  if (settings.lastDay === null) return undefined;
  const zone = settings.nextZone?.zone ?? settings.zone;
  return DateTime.fromISO(settings.lastDay, { zone }).plus({ days: 1 }).startOf('day').toJSDate();
}
