/** `key-ring status | rotate | add | retire | move-to-vault | move-to-file`. */

import type { Command } from 'commander';
import type { KekStatus, RotationResult } from '../keys/key-ring-admin.ts';
import { addMoveCommands } from './key-ring-move.ts';
import { table } from './output.ts';
import type { Run, RunWithout } from './run.ts';

const MEANINGS: Readonly<Record<KekStatus['state'], string>> = {
  active: 'active: wraps and opens',
  opens: 'opens only',
  unused: 'unused: may be retired',
  lost: 'LOST: put it back from a copy of the ring',
};

export function addKeyRingCommands(program: Command, run: Run, runWithout: RunWithout): void {
  const keyRing = program
    .command('key-ring')
    .description('the keys that wrap every user’s data key');

  keyRing
    .command('status')
    .description('which keys the ring holds, and how many users stand under each')
    .action(
      run(async ({ keyRing: admin }, output) => {
        const keks = await admin.status();
        output.result({ keks }, [
          ...table([
            ['KEY', 'USERS', 'STATE'],
            ...keks.map(({ kid, rows, state }) => [kid, String(rows), MEANINGS[state]]),
          ]),
          ...keks.flatMap(({ kid, lost }) =>
            lost === 0
              ? []
              : [`${kid} would also open ${lost} data keys that were given up while it was lost.`],
          ),
        ]);
        return 0;
      }),
    );

  keyRing
    .command('add')
    .description('add a key that only opens: spread copies of the ring, then rotate --to it')
    .action(
      run(async ({ keyRing: admin, alone }, output) => {
        const kid = await alone(() => admin.add());
        output.result({ kid }, [
          `Added ${kid}, which wraps nothing yet. Copy the ring to every machine that runs Latchkey, then: npm run admin -- key-ring rotate --to ${kid}`,
        ]);
        return 0;
      }),
    );

  keyRing
    .command('rotate')
    .description('bring everything to a new key; can be stopped, and goes on the next time')
    .option('--to <key>', 'to a key that is in the ring already, instead of a new one')
    .addHelpText(
      'after',
      '\nRunning bots and workers take the new ring over by themselves. The old key stays in the ring\nuntil you retire it; keep a copy of it for as long as you keep backups of the database.',
    )
    .action(
      run(async ({ keyRing: admin, alone }, output, signal, options: { to?: string }) => {
        const result = await alone(() =>
          admin.rotate({
            to: options.to,
            signal,
            onProgress: ({ done, total }) => output.progress({ done, total, unit: 'rows' }),
          }),
        );
        output.result(result, sayRotation(result));
        if (result.stopped) return 130;
        return result.failed > 0 || result.lost > 0 ? 1 : 0;
      }),
    );

  keyRing
    .command('retire')
    .argument('<key>', 'as key-ring status names it')
    .description('remove a key that wraps nothing; never one in use')
    .action(
      run(async ({ keyRing: admin, alone }, output, _signal, _options, key: string) => {
        const retired = await alone(() => admin.retire(key));
        output.result({ retired }, [
          `Retired ${retired.join(', ')}. Backups of the database from before the rotation open with it only: keep a copy of it, offline, until they are gone.`,
        ]);
        return 0;
      }),
    );

  addMoveCommands(keyRing, runWithout);
}

function sayRotation({ kid, resumed, stopped, rewrapped, failed, lost }: RotationResult): string[] {
  return [
    stopped
      ? `Stopped: ${rewrapped} rows are under ${kid} now. Run it again, and it goes on.`
      : `${resumed ? 'Finished the rotation that was begun before' : 'Rotated'}: ${kid} is active, ${rewrapped} rows were brought to it and verified.`,
    ...(failed === 0
      ? []
      : [`${failed} rows do not open and were left as they are: restore them from a backup.`]),
    ...(lost === 0
      ? []
      : [`${lost} rows stand under keys that this ring has lost: see key-ring status.`]),
    ...(stopped
      ? []
      : ['Keep a copy of the new ring. The old keys: npm run admin -- key-ring status']),
  ];
}
