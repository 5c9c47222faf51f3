/** What the operator does with the key ring: status, rotation, retirement. */

import { z } from 'zod';
import type { Database } from '../db/client.ts';
import { keepFact, readFact } from '../db/installation.ts';
import type { Audit } from './audit.ts';
import { countUse, lockUse, markRetired, retiredAmong } from './kek-use.ts';
import { type KeyRing, KeyRingError, type KeyRingKeeper } from './key-ring.ts';
import { rewrapFrom } from './rewrap.ts';

export interface KekStatus {
  readonly kid: string;
  /** `lost`: something is wrapped by it, and the ring does not hold it. */
  readonly state: 'active' | 'opens' | 'unused' | 'lost';
  readonly rows: number;
  readonly lost: number;
}

export interface RotationProgress {
  readonly done: number;
  readonly total: number;
  readonly rowsPerSecond: number;
}

export interface RotationResult {
  /** The KEK that is active now. */
  readonly kid: string;
  /** An earlier rotation was gone on with: no KEK was added. */
  readonly resumed: boolean;
  /** Stopped by the signal: the rest is for the next time. */
  readonly stopped: boolean;
  readonly rewrapped: number;
  /** Rows that do not open, and were left as they are. */
  readonly failed: number;
  /** Rows whose KEK the ring has lost. */
  readonly lost: number;
}

export interface KeyRingAdmin {
  status(): Promise<readonly KekStatus[]>;
  /** Adds a KEK that opens only. @returns its kid */
  add(): Promise<string>;
  rotate(options: {
    /** A KEK that is in the ring already; default: a new one. */
    readonly to?: string | undefined;
    readonly signal: AbortSignal;
    readonly onProgress: (progress: RotationProgress) => void;
  }): Promise<RotationResult>;
  /** @returns the KEKs that were removed. @throws KeyRingError where one is in use */
  retire(kid: string): Promise<readonly string[]>;
}

export interface KeyRingAdminParts {
  readonly db: Database;
  readonly ring: KeyRing;
  readonly keeper: KeyRingKeeper;
  readonly audit: Audit;
}

const ROTATION = 'key-ring-rotation';
const rotationSchema = z.object({ to: z.string(), done: z.boolean() });

export function createKeyRingAdmin({ db, ring, keeper, audit }: KeyRingAdminParts): KeyRingAdmin {
  async function status(): Promise<readonly KekStatus[]> {
    const [keks, use] = await Promise.all([keeper.keks(), countUse(db)]);
    const held = keks.map(({ kid, active }): KekStatus => {
      const { rows = 0, lost = 0 } = use.find((entry) => entry.kid === kid) ?? {};
      const isUsed = rows + lost > 0;
      return { kid, rows, lost, state: active ? 'active' : isUsed ? 'opens' : 'unused' };
    });
    const missing = use
      .filter(({ kid }) => !keks.some((kek) => kek.kid === kid))
      .map((entry): KekStatus => ({ ...entry, state: 'lost' }));
    return [...held, ...missing];
  }

  async function lastRotation() {
    return rotationSchema.safeParse(await readFact(db, ROTATION)).data;
  }

  const noteRotation = (value: z.infer<typeof rotationSchema>) => keepFact(db, ROTATION, value);

  const openable = (keks: readonly KekStatus[]) => keks.filter(({ state }) => state === 'opens');
  const rowsOf = (keks: readonly KekStatus[]) =>
    keks.reduce((sum, { rows, lost }) => sum + rows + lost, 0);

  /** @returns the KEK that everything is to be wrapped by */
  async function begin(to: string | undefined) {
    const keks = await status();
    const active = keks.find(({ state }) => state === 'active')?.kid ?? '';
    const last = await lastRotation();
    const isDone = last?.to === active && last.done;
    const isUnfinished = rowsOf(openable(keks)) > 0 && !isDone;
    if (isUnfinished && (to === undefined || to === active)) return { kid: active, resumed: true };
    if (to !== undefined && (await retiredAmong(db, [to])).length > 0) {
      throw new KeyRingError(`The key ${to} has been retired: it can't become the active one.`);
    }
    const kid = await keeper.promote(to);
    await audit.record({ action: 'ring.promoted', actor: 'operator', detail: { kid } });
    await noteRotation({ to: kid, done: false });
    return { kid, resumed: false };
  }

  return {
    status,

    async add() {
      const kid = await keeper.add();
      await audit.record({ action: 'ring.added', actor: 'operator', detail: { kid } });
      return kid;
    },

    async rotate({ to, signal, onProgress }) {
      const { kid, resumed } = await begin(to);
      await keeper.rewrapOwn();
      const count = { rewrapped: 0, gone: 0, failed: 0 };
      const total = rowsOf(openable(await status()));
      const begun = performance.now();
      const tell = () => {
        const done = count.rewrapped + count.gone + count.failed;
        const seconds = Math.max(0.001, (performance.now() - begun) / 1_000);
        onProgress({ done, total: Math.max(total, done), rowsPerSecond: done / seconds });
      };
      tell();
      // Again, for what a process that had not yet seen the new ring wrapped meanwhile.
      for (let failedBefore = -1; !signal.aborted; failedBefore = count.failed) {
        const left = openable(await status());
        if (rowsOf(left) <= Math.max(0, failedBefore)) break;
        count.failed = 0;
        await rewrapFrom(
          { db, ring },
          left.map((kek) => kek.kid),
          {
            signal,
            onRow: (outcome) => {
              count[outcome] += 1;
              tell();
            },
          },
        );
      }
      const { rewrapped, failed } = count;
      if (!signal.aborted) {
        await noteRotation({ to: kid, done: true });
        await audit.record({
          action: 'ring.rotated',
          actor: 'operator',
          detail: { kid, rewrapped, failed },
        });
      }
      const lost = rowsOf((await status()).filter(({ state }) => state === 'lost'));
      return { kid, resumed, stopped: signal.aborted, rewrapped, failed, lost };
    },

    async retire(kid) {
      const keks = await keeper.keks();
      const going = await keeper.retiredWith(kid);
      if (!keks.some((kek) => kek.kid === kid)) {
        throw new KeyRingError(`The key ring holds no key ${kid}: see key-ring status.`);
      }
      if (keks.some((kek) => kek.active && going.includes(kek.kid))) {
        throw new KeyRingError(`The key ${kid} is the active one: rotate the key ring first.`);
      }
      await db.transaction(async (tx) => {
        await lockUse(tx, 'exclusive');
        const used = (await countUse(tx)).filter((entry) => going.includes(entry.kid));
        const rows = used.reduce((sum, entry) => sum + entry.rows + entry.lost, 0);
        if (rows > 0) {
          throw new KeyRingError(
            `The key ${used[0]?.kid} is in use by ${rows} row${rows === 1 ? '' : 's'}: rotate the key ring first.`,
          );
        }
        // Marked before it goes: should its removal fail, it is merely of no more use.
        await markRetired(tx, going);
        await audit.append(tx, { action: 'ring.retired', actor: 'operator', detail: { kid } });
      });
      await keeper.retire(kid);
      return going;
    },
  };
}
