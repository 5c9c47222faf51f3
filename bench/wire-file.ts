/** What the watcher of a process's connections (`wire-times.ts`) is told, and what it tells. */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** One question to a database and all of its answer. */
const roundTripSchema = z.object({
  to: z.enum(['postgres', 'redis']),
  /** In milliseconds of the machine's monotonic clock, which all its processes share. */
  from: z.number(),
  until: z.number(),
});
export type RoundTrip = z.infer<typeof roundTripSchema>;

/** The watcher's settings. */
export const wireSettings = z.object({
  WIRE_FILE: z.string(),
  /** Ports of what is no database, with commas between them. */
  WIRE_OTHERS: z.string().transform((text) => text.split(',').map(Number)),
  /** The port of Redis, if there is one: everything else is PostgreSQL. */
  WIRE_REDIS: z.coerce.number().optional(),
});

export async function readRoundTrips(file: string): Promise<readonly RoundTrip[]> {
  return z.array(roundTripSchema).parse(JSON.parse(await readFile(file, 'utf8')));
}

export function machineNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
