import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { TransactionSql } from 'postgres';
import { parseJson } from '../../parse-json.ts';
import {
  type BackedUpTable,
  BackupError,
  type BackupHeader,
  END_OF_ROWS,
  headerSchema,
  quoted,
  tableSchema,
  trailerSchema,
} from './format.ts';

export interface CheckedBackup {
  readonly header: BackupHeader;
  readonly rows: number;
}

/** How much is handed to PostgreSQL at a time, in UTF-16 units. */
const BATCH = 65_536;

/**
 * Reads all of it, and makes sure that it is whole and unchanged.
 * @throws BackupError
 */
export async function checkBackup(file: string): Promise<CheckedBackup> {
  const hash = createHash('sha256');
  let header: BackupHeader | undefined;
  let last = '';
  let trailer: string | undefined;
  for await (const line of linesOf(file)) {
    if (header === undefined) {
      const parsed = headerSchema.safeParse(parseJson(line));
      if (!parsed.success) throw new BackupError(`${file} is not a backup of Latchkey`);
      header = parsed.data;
    }
    if (trailer !== undefined) hash.update(`${trailer}\n`);
    trailer = line;
    last = line;
  }
  if (header === undefined) throw new BackupError(`${file} is empty`);
  const end = trailerSchema.safeParse(parseJson(last));
  if (!end.success) throw new BackupError(`${file} is not whole: its end is missing`);
  if (end.data.sha256 !== hash.digest('hex')) {
    throw new BackupError(`${file} was changed or damaged: its checksum is another`);
  }
  return { header, rows: end.data.rows };
}

/**
 * Puts the rows of a checked backup into its empty tables, in the caller's transaction.
 * @returns how many rows
 */
export async function loadBackup(
  tx: TransactionSql,
  file: string,
  onRows: (rows: number) => void,
): Promise<number> {
  let rows = 0;
  let first = true;
  let table: BackedUpTable | undefined;
  let copy: Writable | undefined;
  let batch = '';
  const flush = async () => {
    if (copy === undefined || batch === '') return;
    const room = copy.write(batch);
    batch = '';
    if (!room) await once(copy, 'drain');
  };
  for await (const line of linesOf(file)) {
    if (first) {
      first = false;
    } else if (table === undefined) {
      const parsed = tableSchema.safeParse(parseJson(line));
      if (!parsed.success) continue;
      table = parsed.data;
      const columns = table.columns.map(quoted).join(', ');
      copy = await tx.unsafe(`copy ${quoted(table.table)} (${columns}) from stdin`).writable();
    } else if (line === END_OF_ROWS) {
      await flush();
      copy?.end();
      if (copy !== undefined) await finished(copy);
      await continueNumbers(tx, table);
      table = undefined;
      onRows(rows);
    } else {
      batch += `${line}\n`;
      rows += 1;
      if (batch.length >= BATCH) {
        await flush();
        onRows(rows);
      }
    }
  }
  return rows;
}

/** What is numbered goes on after the highest number. */
async function continueNumbers(
  tx: TransactionSql,
  { table, identity }: BackedUpTable,
): Promise<void> {
  for (const column of identity) {
    await tx.unsafe(
      `select setval(pg_get_serial_sequence($1, $2), highest)
       from (select max(${quoted(column)}) as highest from ${quoted(table)}) found
       where highest is not null`,
      [quoted(table), column],
    );
  }
}

/** Split at line feeds alone: readline would split at other characters too, which values may hold. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const text = createGunzip().setEncoding('utf8');
  source.once('error', (error) => text.destroy(error));
  source.pipe(text);
  // Of a line that has not ended: looked through once, however many pieces it comes in.
  let pieces: string[] = [];
  try {
    for await (const chunk of text) {
      const [first = '', ...lines] = String(chunk).split('\n');
      pieces.push(first);
      for (const line of lines) {
        yield pieces.join('');
        pieces = [line];
      }
    }
  } catch (error) {
    throw new BackupError(`${file} can't be read: ${error instanceof Error ? error.message : ''}`);
  } finally {
    source.destroy();
    text.destroy();
  }
  const rest = pieces.join('');
  if (rest !== '') yield rest;
}
