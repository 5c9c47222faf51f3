import { setTimeout as sleep } from 'node:timers/promises';

/** Doubles from `firstMs` up to `mostMs`, each wait between half of it and the whole. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 20));
  return Math.round(full * (0.5 + Math.random() / 2));
}

/** @returns false when the signal ended the wait */
export async function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}
