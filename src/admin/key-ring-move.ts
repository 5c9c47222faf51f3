/** `key-ring move-to-vault | move-to-file`. */

import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Home } from '../keys/key-ring-home.ts';
import { type MoveResult, moveKeyRing } from '../keys/key-ring-move.ts';
import { StartError } from '../start-error.ts';
import type { Output } from './output.ts';
import type { RunWithout } from './run.ts';
import { withDatabase } from './session.ts';

const BOTH =
  '\nLatchkey must not run meanwhile. VAULT_ADDR, VAULT_TOKEN and VAULT_TRANSIT_KEY name the key in Vault.\nStopped or killed, run it again, and it goes on. Users’ pseudonyms and the audit trail stay as they are.';

export function addMoveCommands(keyRing: Command, runWithout: RunWithout): void {
  keyRing
    .command('move-to-vault')
    .description('bring the ring from its file to HashiCorp Vault')
    .option('--from <file>', 'the ring’s file; by default DATA_DIR/key-ring.json')
    .addHelpText('after', BOTH)
    .action(
      runWithout((output, signal, options: { from?: string }) =>
        move(output, signal, 'vault', options.from),
      ),
    );

  keyRing
    .command('move-to-file')
    .argument('<file>', 'to be made; or the ring’s file of before')
    .description('bring the ring from HashiCorp Vault to a file')
    .addHelpText('after', BOTH)
    .action(
      runWithout((output, signal, _options, file: string) => move(output, signal, 'file', file)),
    );
}

function move(
  output: Output,
  signal: AbortSignal,
  to: Home,
  given: string | undefined,
): Promise<number> {
  return withDatabase(output, async ({ config, db, alone }) => {
    const { keyRing: vault } = config;
    if (vault.kind !== 'vault') {
      throw new StartError(
        'Set VAULT_ADDR, VAULT_TOKEN and VAULT_TRANSIT_KEY for this command, and take KEY_RING_FILE away.',
      );
    }
    const file = given === undefined ? config.keyRingFile : resolve(given);
    const result = await alone(() =>
      moveKeyRing({ db, vault, file }, to, {
        signal,
        onProgress: (done, total) => output.progress({ done, total, unit: 'rows' }),
      }),
    );
    output.result({ to, ...result }, sayMove(to, file, result));
    if (result.stopped) return 130;
    return result.left > 0 ? 1 : 0;
  });
}

function sayMove(to: Home, file: string, { stopped, rewrapped, left }: MoveResult): string[] {
  if (stopped) return [`Stopped after ${rewrapped} rows. Run it again, and it goes on.`];
  return [
    `Moved: ${rewrapped} rows were brought to ${to === 'vault' ? 'Vault' : file} and verified.`,
    ...(left === 0
      ? []
      : [
          `${left} rows do not open, or stand under keys that are lost, and were left as they are: see key-ring status.`,
        ]),
    to === 'vault'
      ? `Keep a copy of ${file}, offline, until the backups of the database from before are gone; then delete it. tombstones.jsonl beside it is still needed.`
      : `Set KEY_RING_FILE=${file}, and take VAULT_TRANSIT_KEY away. Keep a copy of the file. Backups from before open with the key in Vault only.`,
  ];
}
