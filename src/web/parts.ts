/** Asks each part of the process how it is, all at once and none for long. */

import type { Health, PartHealth } from './health.ts';

/** A part that takes longer to tell how it is does not work, in milliseconds. */
const PATIENCE_MS = 2_000;
/** Who asks again within this time gets the same answer, in milliseconds. */
const FRESH_MS = 1_000;

/** Tells how a part is; one that throws does not work. */
export type Probe = () => PartHealth | Promise<PartHealth>;

export function createHealth({
  probes,
  patienceMs = PATIENCE_MS,
  freshMs = FRESH_MS,
}: {
  readonly probes: Readonly<Record<string, Probe>>;
  readonly patienceMs?: number;
  readonly freshMs?: number;
}): () => Promise<Health> {
  let known: { readonly at: number; readonly health: Promise<Health> } | undefined;

  async function ask(): Promise<Health> {
    const asked = Object.entries(probes).map(
      async ([name, probe]) => [name, await within(patienceMs, probe)] as const,
    );
    const parts = Object.fromEntries(await Promise.all(asked));
    return { ok: Object.values(parts).every((part) => part.ok), parts };
  }

  return () => {
    const now = performance.now();
    if (known === undefined || now - known.at > freshMs) known = { at: now, health: ask() };
    return known.health;
  };
}

/** A probe that is asked at most every `everyMs`, for parts whose answer costs something. */
export function seldom(everyMs: number, probe: Probe): Probe {
  let known: { readonly at: number; readonly health: PartHealth } | undefined;
  return async () => {
    const now = performance.now();
    if (known !== undefined && now - known.at < everyMs) return known.health;
    const health = await probe();
    // What does not work is asked again at once: its end should be seen soon.
    known = health.ok ? { at: now, health } : undefined;
    return health;
  };
}

async function within(patienceMs: number, probe: Probe): Promise<PartHealth> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<PartHealth>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'no answer' }), patienceMs);
  });
  const answer = (async () => probe())().catch((): PartHealth => ({ ok: false }));
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
