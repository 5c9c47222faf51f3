/** `voucher create | list | revoke`. */

import { type FileHandle, open } from 'node:fs/promises';
import type { Command } from 'commander';
import { stringify } from 'csv-stringify/sync';
import { botAddresses } from '../chat/bot-addresses.ts';
import type { Config } from '../config.ts';
import { formatUsd } from '../funding/money.ts';
import { pricesOf } from '../funding/prices-file.ts';
import { createVouchers } from '../funding/vouchers.ts';
import { StartError } from '../start-error.ts';
import { systemCodeOf } from '../system-code.ts';
import { type Output, table } from './output.ts';
import type { Run } from './run.ts';
import {
  checkTotal,
  parseCount,
  parseExpires,
  parseModels,
  parseName,
  parseSum,
  parseUses,
} from './voucher-options.ts';

interface CreateOptions {
  readonly name?: string;
  readonly count: number;
  readonly usd: number;
  readonly uses: number;
  readonly expires: Date;
  readonly models?: readonly string[];
  /** True: given without a file. */
  readonly csv?: string | true;
}

export function addVoucherCommands(program: Command, run: Run): void {
  const voucher = program
    .command('voucher')
    .description('codes that people redeem for a credit, which pays with the house’s key');

  voucher
    .command('create')
    .description('make codes, shown this once: only what the key ring makes of them is kept')
    .option(
      '--name <name>',
      'what they are called; everybody redeems one of a name; else the moment they are made',
      parseName,
    )
    .requiredOption('--usd <sum>', 'what each is worth, for each of its uses', parseSum)
    .requiredOption('--expires <day>', 'until when they and their credits last, in UTC', (text) =>
      parseExpires(text),
    )
    .option('--count <number>', 'how many codes', parseCount, 1)
    .option('--uses <number>', 'how many people may redeem each', parseUses, 1)
    .option('--models <names>', 'what may answer, as provider/model; else the house’s', parseModels)
    .option('--csv [file]', 'write them to a new file; without one, or to -, to standard output')
    .action(
      run(async ({ db, ring, config }, output, _signal, options: CreateOptions) => {
        const { count, usd: micros, uses, expires: expiresAt, models = [] } = options;
        const { name = momentName(new Date()) } = options;
        const csv = options.csv === true ? '-' : options.csv;
        const totalMicros = checkTotal(count, uses, micros);
        await checkModels(config, models);
        const vouchers = createVouchers({ db, ring });
        const file = await newFile(csv);
        let codes: readonly string[] | undefined;
        try {
          codes = await vouchers.create({
            ...{ name, count, micros, uses, expiresAt, models },
            createdBy: 'shell',
          });
          if (codes === undefined) {
            throw new StartError(`There are vouchers "${name}" already: take another name.`);
          }
          const addresses = await botAddresses(db);
          const rows = codes.map((code) => ({
            code,
            usd: String(micros / 1_000_000),
            expires: expiresAt.toISOString(),
            telegram: addresses.telegram && `${addresses.telegram}?start=redeem_${code}`,
            discord: addresses.discord,
          }));
          tell(output, { name, totalMicros, expiresAt, uses, models }, rows, csv);
          if (file !== undefined) await file.writeFile(stringify(rows, { header: true }));
        } catch (error) {
          if (codes === undefined || file === undefined) throw error;
          // Nobody has seen them, and nobody will.
          await vouchers.revoke(name, false);
          throw new StartError(`${csv} could not be written: the codes were made void.`);
        } finally {
          await file?.close();
        }
        return 0;
      }),
    );

  voucher
    .command('list')
    .description('what was made, redeemed and spent, the newest first')
    .action(
      run(async ({ db, ring }, output) => {
        const batches = await createVouchers({ db, ring }).list();
        output.result(
          { vouchers: batches },
          batches.length === 0
            ? ['Nothing.']
            : table([
                ['NAME', 'CODES', 'WORTH', 'REDEEMED', 'VOID', 'SPENT', 'UNTIL', 'MODELS'],
                ...batches.map((batch) => [
                  batch.name,
                  String(batch.codes),
                  formatUsd(batch.micros),
                  `${batch.used} of ${batch.uses}`,
                  String(batch.revoked),
                  formatUsd(batch.spentMicros),
                  batch.expiresAt.toISOString(),
                  batch.models.join(', ') || 'the house’s',
                ]),
              ]),
        );
        return 0;
      }),
    );

  voucher
    .command('revoke')
    .argument('<name or code>', 'all that have this name, or one code')
    .description('make codes void; credits that were redeemed stay')
    .option('--credits', 'take back what is left of the credits, too')
    .action(
      run(
        async (
          { db, ring },
          output,
          _signal,
          { credits = false }: { credits?: true | false },
          which: string,
        ) => {
          const revoked = await createVouchers({ db, ring }).revoke(which, credits);
          if (revoked === undefined) {
            throw new StartError('There are no vouchers of this name, and no such code.');
          }
          output.result(revoked, [
            `Void now: ${revoked.codes} ${revoked.codes === 1 ? 'code' : 'codes'}.${credits ? ` Credits ended: ${revoked.credits}.` : ''}`,
          ]);
          return 0;
        },
      ),
    );
}

/** A credit pays with the house's key, and only what can be counted. @throws StartError */
async function checkModels(config: Config, models: readonly string[]): Promise<void> {
  const { provider } = config.house;
  const prices = await pricesOf(config);
  for (const name of models) {
    const model = name.slice(name.indexOf('/') + 1);
    if (!name.startsWith(`${provider}/`)) {
      throw new StartError(
        `${name} can't be paid for: the house has a key of ${provider}, and vouchers pay with that.`,
      );
    }
    if (prices.priceFor(provider, model) === undefined) {
      throw new StartError(
        `The price of ${name} is unknown, so what it costs could not be counted: give it in PRICES_FILE.`,
      );
    }
  }
}

/** What codes are called that were given no name: `20261121T144105`. */
function momentName(now: Date): string {
  return now.toISOString().slice(0, 19).replace(/[-:]/g, '');
}

/** Before anything is made. @throws StartError */
async function newFile(path: string | undefined): Promise<FileHandle | undefined> {
  if (path === undefined || path === '-') return undefined;
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    const isThere = systemCodeOf(error) === 'EEXIST';
    throw new StartError(
      isThere ? `${path} is there already: take another name.` : `${path} can't be written.`,
    );
  }
}

function tell(
  output: Output,
  batch: {
    readonly name: string;
    readonly totalMicros: number;
    readonly expiresAt: Date;
    readonly uses: number;
    readonly models: readonly string[];
  },
  rows: readonly {
    readonly code: string;
    readonly telegram: string | undefined;
    readonly discord: string | undefined;
  }[],
  csv: string | undefined,
): void {
  const said = `${rows.length} ${rows.length === 1 ? 'code' : 'codes'} "${batch.name}", worth ${formatUsd(batch.totalMicros)} together, until ${batch.expiresAt.toISOString()}.`;
  if (output.json) {
    output.result({ ...batch, codes: csv === undefined || csv === '-' ? rows : rows.length }, []);
    return;
  }
  if (csv === undefined) {
    output.result({}, [
      said,
      'They are shown this once:',
      ...rows.map(({ code, telegram = '' }) => `${code}  ${telegram}`.trimEnd()),
    ]);
    return;
  }
  if (csv === '-') {
    output.note(said);
    output.result({}, [stringify([...rows], { header: true }).trimEnd()]);
    return;
  }
  output.result({}, [said, `They are in ${csv}, and nowhere else.`]);
}
