/** `backup` and `restore`. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { createClosers } from '../closers.ts';
import { type Config, parseConfig, readEnvironment } from '../config.ts';
import { cancelOpenTurns } from '../conversation/restored-turns.ts';
import { restoreBackup } from '../db/backup/restore.ts';
import { clearRestoreMark } from '../db/backup/unfinished.ts';
import { writeBackup } from '../db/backup/write.ts';
import { connectDatabase } from '../db/client.ts';
import { ADMIN_CONNECTIONS } from '../db/connection.ts';
import { openServer } from '../db/open.ts';
import { createLedger } from '../funding/ledger.ts';
import { createAudit } from '../keys/audit.ts';
import { openKeyRing } from '../keys/open-key-ring.ts';
import { readTombstones, tombstoneFileOf } from '../keys/tombstones.ts';
import { StartError } from '../start-error.ts';
import { applyTombstones } from '../users/restored.ts';
import type { Output } from './output.ts';
import type { Run, RunWithout } from './run.ts';

export function addBackupCommands(program: Command, run: Run, runWithout: RunWithout): void {
  program
    .command('backup')
    .argument('<file>', 'to be written; it must not be there yet')
    .description('write all of the database to a file, while Latchkey runs')
    .addHelpText(
      'after',
      '\nThe key ring is not in it, on purpose: whoever has both reads everything. Copy it elsewhere,\nand the file tombstones.jsonl beside it, which says who was forgotten since.',
    )
    .action(
      run(async ({ url, config, audit }, output, signal, _options, name: string) => {
        const file = resolve(name);
        const written = await writeBackup({
          url,
          file,
          signal,
          onProgress: (done, total) => output.progress({ done, total, unit: 'rows' }),
        }).catch((error: unknown) => {
          throw asSentence(error, file);
        });
        await audit.record({
          action: 'database.backed-up',
          actor: 'operator',
          detail: { rows: written.rows },
        });
        output.result({ file, ...written }, [
          `Wrote ${written.rows} rows of ${written.tables} tables to ${file} (${size(written.bytes)}).`,
          `It opens with the key ring alone (${ringName(config)}): keep a copy of that, apart from this file.`,
        ]);
        return 0;
      }),
    );

  program
    .command('restore')
    .argument('<file>', 'made by backup')
    .description('put a backup into an empty database; Latchkey must not run')
    .addHelpText(
      'after',
      '\nThose who were forgotten since the backup was made are forgotten again (tombstones.jsonl beside\nthe key ring), and turns that were open are cancelled. Broken off, it can be run again.',
    )
    .action(
      runWithout(async (output, _signal, _options, name: string) => {
        const result = await restore(resolve(name), output);
        output.result(result, [
          `Put back ${result.rows} rows of ${result.madeAt}; ${result.cancelled} open turns were cancelled, ${result.forgotten} users forgotten again.`,
          'Latchkey may be started now. What was said and set since the backup is gone.',
        ]);
        return 0;
      }),
    );
}

async function restore(file: string, output: Output) {
  const closers = createClosers();
  const { onClose } = closers;
  const onStep = output.note;
  try {
    const config = parseConfig(readEnvironment());
    const url = await openServer({
      database: config.database,
      onStep,
      onLost: () => undefined,
      onClose,
    });
    const { rows, madeAt } = await restoreBackup({
      url,
      file,
      onStep,
      onProgress: (done, total) => output.progress({ done, total, unit: 'rows' }),
    });
    const { db, close } = await connectDatabase({
      url,
      maxConnections: 4,
      applicationName: ADMIN_CONNECTIONS,
    });
    onClose(close);
    const { ring } = await openKeyRing({
      db,
      config: config.keyRing,
      mayCreate: false,
      onStep,
      onProblem: () => undefined,
      onClose,
    });
    onStep('Forgetting those who were forgotten since…');
    const tombstones = await readTombstones(tombstoneFileOf(config.keyRingFile));
    const forgotten = await applyTombstones(db, ring, tombstones);
    const cancelled = await cancelOpenTurns({ db, ledger: createLedger({ db }) });
    await createAudit({ db, ring }).record({
      action: 'database.restored',
      actor: 'operator',
      detail: { madeAt: madeAt.toISOString(), forgotten, cancelled },
    });
    await clearRestoreMark(db);
    return { rows, madeAt: madeAt.toISOString(), forgotten, cancelled };
  } finally {
    await closers.close();
  }
}

function ringName({ keyRing }: Config): string {
  return keyRing.kind === 'file' ? keyRing.file : `Vault, key ${keyRing.key}`;
}

const size = (bytes: number) =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;

function asSentence(error: unknown, file: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EEXIST') return new StartError(`${file} or ${file}.partial is there already.`);
  if (code === 'ENOENT') return new StartError(`The folder of ${file} is not there.`);
  if (code === 'EACCES' || code === 'EROFS') return new StartError(`${file} may not be written.`);
  if (code === 'ENOSPC') return new StartError('The disk is full: nothing was kept of the backup.');
  return error;
}
