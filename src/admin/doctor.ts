/** `doctor`: looks at everything that an installation depends on, and says how to mend it. */

import type { Command } from 'commander';
import type { Config } from '../config.ts';
import { serializeError } from '../log.ts';
import { StartError } from '../start-error.ts';
import { checkClock } from './doctor/clock.ts';
import { visitDatabase } from './doctor/database.ts';
import { checkDiscord } from './doctor/discord.ts';
import { checkDisk, checkKeyRingFile } from './doctor/files.ts';
import { type Finding, ok, wrong } from './doctor/finding.ts';
import { checkHouse } from './doctor/house.ts';
import { createAsking } from './doctor/http.ts';
import { checkRedis } from './doctor/redis.ts';
import { checkTelegram } from './doctor/telegram.ts';
import type { Output } from './output.ts';

export function addDoctorCommand(
  program: Command,
  run: (work: (config: () => Config, output: Output) => Promise<number>) => Promise<void>,
): void {
  program
    .command('doctor')
    .description(
      'look at tokens, rights, database, Redis, keys, clock and disk; say how to mend them',
    )
    .addHelpText(
      'after',
      '\nIt changes nothing, sends no message and costs nothing. The exit code is 1 where something is\nwrong, 0 where all is well or only warned of. Run it with the settings, and as the user, that\nLatchkey runs with.',
    )
    .action(() =>
      run(async (config, output) => {
        const findings = await examine(config, output.note);
        const isWell = findings.every(({ state }) => state !== 'wrong');
        output.result({ ok: isWell, findings }, say(findings));
        return isWell ? 0 : 1;
      }),
    );
}

async function examine(
  readConfig: () => Config,
  note: (sentence: string) => void,
): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [wrong('settings', error.message, 'README.md has the table of settings.')];
  }
  note('Looking, for a quarter of a minute at most…');
  const asking = createAsking();
  const { telegram, discord, queue } = config;
  const database = visitDatabase(config);
  const none = async (): Promise<Finding[]> => [];
  const parts: readonly (readonly [string, Promise<readonly Finding[]>])[] = [
    ['telegram', telegram === undefined ? none() : checkTelegram(telegram, asking)],
    ['discord', discord === undefined ? none() : checkDiscord(discord, asking)],
    ['house key', checkHouse(config)],
    ['database', database.then(({ findings }) => findings)],
    ['redis', queue.kind === 'redis' ? checkRedis(queue.url) : none()],
    ['key ring file', checkKeyRingFile(config)],
    ['disk', checkDisk(config)],
  ];
  const found = await Promise.all(parts.map(([what, work]) => settled(what, work)));
  const { aheadMs } = await database;
  const clocks = [
    ...asking.clocks,
    ...(aheadMs === undefined ? [] : [{ host: 'the database', aheadMs }]),
  ];
  return [ok('settings', sayConfig(config)), ...found.flat(), ...checkClock(clocks)];
}

/** One part that the doctor itself fails at hides nothing of the others. */
async function settled(
  what: string,
  work: Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await work;
  } catch (error) {
    const says = `This could not be looked at: ${serializeError(error).message}`;
    return [wrong(what, says, 'See whether the rest of the list explains it.')];
  }
}

function sayConfig({ telegram, discord, role, database, queue, keyRing }: Config): string {
  const platforms = [
    ...(telegram === undefined
      ? []
      : [`Telegram by ${telegram.mode === 'webhook' ? 'webhook' : 'long polling'}`]),
    ...(discord === undefined ? [] : ['Discord']),
  ];
  return [
    platforms.length === 0 ? 'No platform: a chat in the terminal' : platforms.join(' and '),
    `role ${role}`,
    database.kind === 'embedded' ? 'embedded database' : 'database of your own',
    queue.kind === 'redis' ? 'queue on Redis' : 'queue on PostgreSQL',
    keyRing.kind === 'vault' ? 'keys in Vault' : 'keys in a file',
  ]
    .join(', ')
    .concat('.');
}

const MARKS = { ok: '✓', warning: '!', wrong: '✗' } as const;

function say(findings: readonly Finding[]): readonly string[] {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const indent = ' '.repeat(width + 4);
  const lines = findings.flatMap(({ what, state, says, mend }) => {
    const [first = '', ...rest] = says.split('\n');
    return [
      `${MARKS[state]} ${what.padEnd(width)}  ${first}`,
      ...rest.map((line) => `${indent}${line}`),
      ...(mend === undefined ? [] : [`${indent}→ ${mend}`]),
    ];
  });
  const wrongs = findings.filter(({ state }) => state === 'wrong').length;
  const warnings = findings.filter(({ state }) => state === 'warning').length;
  return [...lines, '', sum(wrongs, warnings)];
}

function sum(wrongs: number, warnings: number): string {
  const warned = warnings === 1 ? '1 thing to look at' : `${warnings} things to look at`;
  if (wrongs > 0) {
    return `${wrongs === 1 ? '1 thing is' : `${wrongs} things are`} wrong${warnings > 0 ? `, and ${warned}` : ''}.`;
  }
  return warnings > 0 ? `Nothing is wrong; ${warned}.` : 'All is well.';
}
