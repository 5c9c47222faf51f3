/**
 * Moves the key ring from its file to HashiCorp Vault, or back: every data key is unwrapped by the
 * one and wrapped by the other, a row at a time and each verified. The ring's own keys, for
 * pseudonyms and the audit trail, go along: what was written under them stays what it was. Killed at
 * any point, it is run again and goes on.
 */

import type { VaultConfig } from '../config.ts';
import type { Database } from '../db/client.ts';
import { BOT_CONNECTIONS } from '../db/connection.ts';
import { sql } from '../db/drizzle.ts';
import { readFact } from '../db/installation.ts';
import type { AuditEntry } from './audit.ts';
import { createAudit } from './audit.ts';
import { countUse, retiredAmong } from './kek-use.ts';
import { installationName, type KeyRing, KeyRingError, RING_FACT } from './key-ring.ts';
import { createFileKeeper } from './key-ring-edit.ts';
import { createRingFile, parseRingFile, type RingOwnKeys, readRingFile } from './key-ring-file.ts';
import { forgetHome, type Home, readHome, writeHome } from './key-ring-home.ts';
import { createLocalKeyRing } from './local-key-ring.ts';
import { rewrapFrom } from './rewrap.ts';
import { dropOwnKeys, isTransitKid, joinTransit, type TransitHome } from './transit-key-ring.ts';

export interface MoveParts {
  readonly db: Database;
  readonly vault: VaultConfig;
  /** The ring's file: what it is moved from, or to. */
  readonly file: string;
}

export interface MoveOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export interface MoveResult {
  /** Stopped by the signal: the rest is for the next time. */
  readonly stopped: boolean;
  readonly rewrapped: number;
  /** Data keys that do not open, by the one ring or the other, and were left as they are. */
  readonly failed: number;
  /** Users and given-up data keys that were left behind in all, the failed among them. */
  readonly left: number;
}

/** @throws KeyRingError, for one in that nothing was begun where a process of Latchkey runs */
export async function moveKeyRing(
  { db, vault, file }: MoveParts,
  to: Home,
  { signal, onProgress }: MoveOptions,
): Promise<MoveResult> {
  const before = await readHome(db);
  if (before?.moving === true && before.home !== to) {
    throw new KeyRingError('The key ring is being moved the other way: finish that first.');
  }
  if (before !== undefined && !before.moving && before.home === to) {
    throw new KeyRingError('The key ring has been moved there already.');
  }
  const remote = await joinTransit(db, vault);
  if (to === 'vault') await mustTake(db, remote);
  const local =
    to === 'vault' ? await openFile(file) : await openOrMakeFile(db, file, await remote.readOwn());
  await mustBelong(db, local.ring);

  // From here on no process starts; whoever came in before is seen now.
  await writeHome(db, to, true);
  if (await isInUse(db)) {
    if (before === undefined) await forgetHome(db);
    else await writeHome(db, before.home, before.moving);
    throw new KeyRingError(
      'Latchkey is running on this database: stop its bots and workers first, since they use the ring that is being left.',
    );
  }
  if (to === 'vault') await remote.keepOwn(local.own);
  const ring = joinedRing(local.ring, remote.ring, to);
  const audit = createAudit({ db, ring });
  const note = (entry: Pick<AuditEntry, 'action' | 'detail'>) =>
    audit.record({ actor: 'operator', ...entry });
  if (before?.moving !== true) await note({ action: 'ring.move-begun', detail: { to } });

  const isLeaving = (kid: string) => isTransitKid(kid) !== (to === 'vault');
  const leaving = async () => (await countUse(db)).filter(({ kid }) => isLeaving(kid));
  const sum = (use: Awaited<ReturnType<typeof leaving>>) =>
    use.reduce((total, { rows, lost }) => total + rows + lost, 0);

  const use = await leaving();
  const total = sum(use);
  const count = { rewrapped: 0, gone: 0, failed: 0 };
  onProgress(0, total);
  await rewrapFrom(
    { db, ring },
    use.map(({ kid }) => kid),
    {
      signal,
      onRow: (outcome) => {
        count[outcome] += 1;
        onProgress(count.rewrapped + count.gone + count.failed, total);
      },
    },
  );
  const { rewrapped, failed } = count;
  const left = sum(await leaving());
  if (!signal.aborted) {
    await db.transaction(async (tx) => {
      await writeHome(tx, to, false);
      if (to === 'file') await dropOwnKeys(tx);
      const detail = { to, rewrapped, failed, left };
      await audit.append(tx, { action: 'ring.moved', actor: 'operator', detail });
    });
  }
  return { stopped: signal.aborted, rewrapped, failed, left };
}

interface LocalHome {
  readonly ring: KeyRing;
  /** For pseudonyms and the audit trail. */
  readonly own: RingOwnKeys;
}

async function openFile(file: string): Promise<LocalHome> {
  const text = await readRingFile(file);
  if (text === undefined) {
    throw new KeyRingError(
      `The key ring ${file} is missing: put the copy of it back, or name it with --from.`,
    );
  }
  const contents = parseRingFile(text, file);
  const own = { fingerprint: contents.fingerprintKey, audit: contents.auditKey };
  return { own, ring: await createLocalKeyRing(contents) };
}

/** A file that stands there already must be this installation's: of an earlier try, or from before Vault. */
async function openOrMakeFile(db: Database, file: string, own: RingOwnKeys): Promise<LocalHome> {
  if ((await readRingFile(file)) === undefined) await createRingFile(file, own);
  const keeper = createFileKeeper({ file });
  const active = (await keeper.keks()).find((kek) => kek.active)?.kid ?? '';
  if ((await retiredAmong(db, [active])).length > 0) await keeper.promote(undefined);
  return openFile(file);
}

/** @throws KeyRingError where the file is the ring of another installation */
async function mustBelong(db: Database, ring: KeyRing): Promise<void> {
  const held = await readFact(db, RING_FACT);
  if (held === undefined || held === installationName(ring)) return;
  throw new KeyRingError('The file is the key ring of another installation: nothing was changed.');
}

async function mustTake(db: Database, { active }: TransitHome): Promise<void> {
  if ((await retiredAmong(db, [active])).length === 0) return;
  throw new KeyRingError(
    `The version ${active} has been retired here: rotate the key in Vault first (vault write -f transit/keys/NAME/rotate).`,
  );
}

/** Whether a bot or worker holds a connection. */
async function isInUse(db: Database): Promise<boolean> {
  const [row] = await db.execute<{ count: number }>(sql`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and application_name = ${BOT_CONNECTIONS}`);
  return (row?.count ?? 0) > 0;
}

/** Wraps by the ring that is moved to, and opens what either has wrapped. */
function joinedRing(local: KeyRing, remote: Pick<KeyRing, 'wrap' | 'unwrap'>, to: Home): KeyRing {
  return {
    wrap: to === 'vault' ? remote.wrap : local.wrap,
    unwrap: (wrapped, kid, context) =>
      (isTransitKid(kid) ? remote : local).unwrap(wrapped, kid, context),
    pseudonym: local.pseudonym,
    auditMac: local.auditMac,
  };
}
