import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { link, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { TransactionSql } from 'postgres';
import type { Secret } from '../../secret.ts';
import { systemCodeOf } from '../../system-code.ts';
import { openStreaming } from '../connection.ts';
import {
  type BackedUpTable,
  type BackupHeader,
  END_OF_ROWS,
  FORMAT,
  FORMAT_VERSION,
  quoted,
} from './format.ts';

export interface WrittenBackup {
  readonly tables: number;
  readonly rows: number;
  /** On the disk. */
  readonly bytes: number;
}

/**
 * Writes all tables as they are at one moment, while others go on. The file stands under its name
 * only when it is whole and on the disk; only its owner may read it.
 * @param options.file must not exist yet
 * @throws where the file exists or can't be written, or the database fails; then nothing is left of it
 */
export async function writeBackup({
  url,
  file,
  signal,
  onProgress = () => undefined,
}: {
  readonly url: Secret;
  readonly file: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}): Promise<WrittenBackup> {
  await refuseExisting(file);
  const client = await openStreaming({ url, applicationName: 'latchkey-backup' });
  const partial = `${file}.partial`;
  try {
    const gzip = createGzip();
    const written = pipeline(
      gzip,
      createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
    );
    // Told by what is awaited next.
    written.catch(() => undefined);
    const hash = createHash('sha256');
    const put = async (text: string | Uint8Array) => {
      signal?.throwIfAborted();
      hash.update(text);
      if (!gzip.write(text)) await Promise.race([once(gzip, 'drain'), written]);
    };
    const counted = await client.begin('isolation level repeatable read read only', (tx) =>
      writeTables(tx, put, onProgress),
    );
    const sha256 = hash.copy().digest('hex');
    await put(`${JSON.stringify({ end: true, rows: counted.rows, sha256 })}\n`);
    gzip.end();
    await written;
    const { size } = await stat(partial);
    // Never over another one.
    await link(partial, file);
    await rm(partial);
    // A name is on the disk when its folder is.
    await using folder = await open(dirname(file), 'r');
    await folder.sync();
    return { ...counted, bytes: size };
  } catch (error) {
    const isOurs = !(error instanceof Error && 'code' in error && error.code === 'EEXIST');
    if (isOurs) await rm(partial, { force: true });
    throw error;
  } finally {
    await client.end({ timeout: 5 });
  }
}

/** Before the work, and not after it. */
async function refuseExisting(file: string): Promise<void> {
  await using found = await open(file, 'r').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined) throw Object.assign(new Error(`${file} exists`), { code: 'EEXIST' });
}

async function writeTables(
  tx: TransactionSql,
  put: (text: string | Uint8Array) => Promise<void>,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly tables: number; readonly rows: number }> {
  const migrations = await tx<{ hash: string; createdAt: number }[]>`
    select hash, created_at as "createdAt" from drizzle.__drizzle_migrations order by created_at`;
  const header: BackupHeader = {
    format: FORMAT,
    version: FORMAT_VERSION,
    at: new Date().toISOString(),
    migrations: [...migrations],
  };
  await put(`${JSON.stringify(header)}\n`);
  const tables = await tablesInOrder(tx);
  const total = await estimatedRows(tx);
  let rows = 0;
  for (const table of tables) {
    await put(`${JSON.stringify(table)}\n`);
    const columns = table.columns.map(quoted).join(', ');
    const copied = await tx.unsafe(`copy ${quoted(table.table)} (${columns}) to stdout`).readable();
    for await (const chunk of copied) {
      const bytes = chunk as Buffer;
      for (const byte of bytes) if (byte === LINE_END) rows += 1;
      await put(bytes);
      onProgress(rows, Math.max(total, rows));
    }
    await put(`${END_OF_ROWS}\n`);
  }
  onProgress(rows, rows);
  return { tables: tables.length, rows };
}

/** COPY escapes those within values. */
const LINE_END = 0x0a;

/** What is referred to comes before what refers to it, so that rows can be put back in this order. */
async function tablesInOrder(tx: TransactionSql): Promise<readonly BackedUpTable[]> {
  const tables = await tx<BackedUpTable[]>`
    select c.relname as table,
           json_agg(a.attname order by a.attnum) as columns,
           coalesce(json_agg(a.attname) filter (where a.attidentity <> ''), '[]') as identity
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                       and a.attgenerated = ''
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
    group by c.relname order by c.relname`;
  const references = await tx<{ from: string; to: string }[]>`
    select f.relname as from, t.relname as to from pg_constraint c
    join pg_class f on f.oid = c.conrelid join pg_class t on t.oid = c.confrelid
    where c.contype = 'f' and c.conrelid <> c.confrelid
      and c.connamespace = 'public'::regnamespace`;
  const ordered: BackedUpTable[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const ready = left.filter(({ table }) =>
      references.every(
        ({ from, to }) => from !== table || !left.some((other) => other.table === to),
      ),
    );
    if (ready.length === 0) throw new Error('tables refer to one another in a circle');
    ordered.push(...ready);
    left = left.filter((table) => !ready.includes(table));
  }
  return ordered;
}

/** As the server's statistics have it, for the bar of progress alone. */
async function estimatedRows(tx: TransactionSql): Promise<number> {
  const [row] = await tx<{ rows: number }[]>`
    select coalesce(sum(greatest(reltuples, 0)), 0)::float8 as rows from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r'`;
  return Math.round(row?.rows ?? 0);
}
