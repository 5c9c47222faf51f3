/** A ring that follows its file: running processes see a rotation without a restart. */

import { stat } from 'node:fs/promises';
import { installationName, type KeyRing, UnwrapError } from './key-ring.ts';

export interface ReloadingKeyRing extends KeyRing {
  /** Looks at the file now. */
  refresh(): Promise<void>;
  close(): void;
}

export interface ReloadingOptions {
  readonly file: string;
  readonly ring: KeyRing;
  /** Reads the file anew. */
  readonly load: () => Promise<KeyRing>;
  /** How often the file is looked at, in milliseconds; default 5,000. */
  readonly everyMs?: number;
  /** Hears once of each state of the file that can't be used: the ring before it stays in use. */
  readonly onProblem: (error: unknown) => void;
}

export function createReloadingKeyRing(options: ReloadingOptions): ReloadingKeyRing {
  const { file, load, onProblem, everyMs = 5_000 } = options;
  let { ring } = options;
  const self = installationName(ring);
  let seen: string | undefined;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    const stamp = await stampOf(file);
    if (stamp === seen) return;
    // A file that is being replaced has another stamp after it was read: it is then read again.
    seen = stamp;
    try {
      const next = await load();
      if (installationName(next) !== self) {
        throw new Error(`The key ring ${file} was replaced by that of another installation.`);
      }
      ring = next;
    } catch (error) {
      onProblem(error);
    }
  }

  /** One look at a time; whoever asks during one gets the next, which begins after they asked. */
  async function refresh(): Promise<void> {
    if (looking !== undefined) await looking;
    looking ??= look().finally(() => {
      looking = undefined;
    });
    await looking;
  }

  const timer = setInterval(() => void refresh(), everyMs);
  timer.unref();

  return {
    async wrap(dataKey, context) {
      // A new user is rare, and what is wrapped by a key that is no longer active has to be rewrapped.
      await refresh();
      return ring.wrap(dataKey, context);
    },

    async unwrap(wrapped, kid, context) {
      const before = ring;
      try {
        return await before.unwrap(wrapped, kid, context);
      } catch (error) {
        if (!(error instanceof UnwrapError) || error.code !== 'unknown-kek') throw error;
        await refresh();
        if (ring === before) throw error;
        return ring.unwrap(wrapped, kid, context);
      }
    },

    pseudonym: (subject) => ring.pseudonym(subject),
    auditMac: (line) => ring.auditMac(line),
    refresh,
    close: () => clearInterval(timer),
  };
}

async function stampOf(file: string): Promise<string> {
  try {
    const { ino, mtimeNs, ctimeNs, size } = await stat(file, { bigint: true });
    return [ino, mtimeNs, ctimeNs, size].join(':');
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}
