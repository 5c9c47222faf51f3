/** A ring in a file, a database with users, and as many processes at work on them as a test needs. */

import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { users } from '../../src/db/schema.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { createKeyRingAdmin, type KeyRingAdmin } from '../../src/keys/key-ring-admin.ts';
import { createFileKeeper, type WriteStep } from '../../src/keys/key-ring-edit.ts';
import { loadKeyRing } from '../../src/keys/local-key-ring.ts';
import { createReloadingKeyRing } from '../../src/keys/reloading-key-ring.ts';
import { createVault, type SealBinding, type Vault } from '../../src/keys/vault.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export const PLACE: SealBinding = { purpose: 'turn-input', row: 'row-1' };

export interface RunningProcess {
  readonly ring: KeyRing & { refresh(): Promise<void> };
  readonly vault: Vault;
  readonly audit: Audit;
  readonly admin: KeyRingAdmin;
  readonly problems: unknown[];
}

export interface RingStage {
  readonly database: TestDatabase;
  readonly folder: string;
  readonly file: string;
  /** As another process would: a ring and a vault of its own. */
  process(options?: {
    readonly everyMs?: number;
    readonly onWrite?: (step: WriteStep) => void;
  }): Promise<RunningProcess>;
  user(): Promise<number>;
  /** Users with something sealed. */
  people(vault: Vault, count: number): Promise<readonly { id: number; sealed: Uint8Array }[]>;
  readRing(): Promise<{ active: string; keys: Record<string, string> }>;
  writeRing(ring: object): Promise<void>;
  close(): Promise<void>;
}

export async function createRingStage(): Promise<RingStage> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-rotation-'));
  const file = join(folder, 'key-ring.json');
  const { db } = database;
  const closers: (() => void)[] = [];
  const stage: RingStage = {
    database,
    folder,
    file,
    async process({ everyMs = 60_000, onWrite } = {}) {
      const problems: unknown[] = [];
      const load = async () => (await loadKeyRing({ file, hasSealedRows: false })).ring;
      const ring = createReloadingKeyRing({
        file,
        ring: await load(),
        load,
        everyMs,
        onProblem: (error) => problems.push(error),
      });
      closers.push(ring.close);
      const audit = createAudit({ db, ring });
      const keeper = createFileKeeper({ file, ...(onWrite === undefined ? {} : { onWrite }) });
      const admin = createKeyRingAdmin({ db, ring, keeper, audit });
      // Next to nothing is kept opened: uses go through the ring.
      return { ring, vault: createVault({ db, ring, keepMs: 5 }), audit, admin, problems };
    },
    async user() {
      const [user] = await db.insert(users).values({}).returning();
      if (user === undefined) throw new Error('no user');
      return user.id;
    },
    people: (vault, count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const id = await stage.user();
          return { id, sealed: await vault.seal(id, PLACE, `of ${id}`) };
        }),
      ),
    readRing: async () => JSON.parse(await readFile(file, 'utf8')),
    async writeRing(ring) {
      await writeFile(`${file}.new`, JSON.stringify(ring), { mode: 0o600 });
      await rename(`${file}.new`, file);
    },
    async close() {
      for (const close of closers) close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return stage;
}
