/** What the operator's commands work on: the installation's database and key ring, opened and closed. */

import { createClosers } from '../closers.ts';
import { type Config, parseConfig, readEnvironment } from '../config.ts';
import type { Database } from '../db/client.ts';
import { ADMIN_CONNECTIONS } from '../db/connection.ts';
import { openDatabase } from '../db/open.ts';
import { holdSessionLock } from '../db/session-lock.ts';
import { plansOf } from '../funding/plans-file.ts';
import { type Audit, createAudit } from '../keys/audit.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { createKeyRingAdmin, type KeyRingAdmin } from '../keys/key-ring-admin.ts';
import { openKeyRing } from '../keys/open-key-ring.ts';
import { createOperatorDeeds, type OperatorDeeds } from '../operator/deeds.ts';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import type { Output } from './output.ts';

export interface AdminSession {
  readonly config: Config;
  /** Of the database. */
  readonly url: Secret;
  readonly db: Database;
  readonly ring: KeyRing;
  readonly audit: Audit;
  readonly keyRing: KeyRingAdmin;
  readonly deeds: OperatorDeeds;
  /** Runs what no second operator may do at the same time. @throws StartError where one does */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/** Any number will do. */
const ADMIN_LOCK = 7_204_118_358;

/**
 * Opens everything, beside a running bot or without one, and closes it again.
 * @throws StartError
 */
export function withSession<T>(
  output: Output,
  work: (session: AdminSession) => Promise<T>,
): Promise<T> {
  return withDatabase(output, async ({ config, url, db, alone, onClose }) => {
    const { ring, keeper } = await openKeyRing({
      db,
      config: config.keyRing,
      mayCreate: false,
      onStep: output.note,
      onProblem: (error) => output.note(error instanceof Error ? error.message : 'The key ring…'),
      onClose,
    });
    const audit = createAudit({ db, ring });
    const keyRing = createKeyRingAdmin({ db, ring, keeper, audit });
    const deeds = createOperatorDeeds({ db, ring, audit, plans: () => plansOf(config) });
    return await work({ config, url, db, ring, audit, keyRing, deeds, alone });
  });
}

export interface DatabaseSession extends Pick<AdminSession, 'config' | 'url' | 'db' | 'alone'> {
  readonly onClose: (close: () => Promise<void>) => void;
}

/** As {@link withSession}, without the key ring. @throws StartError */
export async function withDatabase<T>(
  output: Output,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const { onClose, close } = createClosers();
  try {
    const config = parseConfig(readEnvironment());
    const { url, connection } = await openDatabase({
      database: config.database,
      maxConnections: 10,
      applicationName: ADMIN_CONNECTIONS,
      onStep: output.note,
      // Queries fail by themselves, and say so.
      onLost: () => undefined,
      onClose,
      alongside: true,
    });
    return await work({
      config,
      url,
      db: connection.db,
      onClose,
      async alone(inner) {
        const release = await holdSessionLock(url, ADMIN_LOCK);
        if (release === undefined) {
          throw new StartError(
            'Another admin command is at work on the key ring: wait for its end.',
          );
        }
        try {
          return await inner();
        } finally {
          await release();
        }
      },
    });
  } finally {
    await close();
  }
}
