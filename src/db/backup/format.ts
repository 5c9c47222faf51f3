/**
 * A backup is one gzipped text: a line of JSON that says what follows, then each table as a line of
 * JSON and its rows as PostgreSQL's COPY writes them (one a line, ended by `\.`), then a line with
 * the number of rows and the SHA-256 of all lines before it.
 */

import { z } from 'zod';

export const FORMAT = 'latchkey-backup';
export const FORMAT_VERSION = 1;
/** COPY's own mark: no row is ever this. */
export const END_OF_ROWS = '\\.';

export const headerSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  at: z.iso.datetime(),
  /** Of the migrations that made the tables, in their order. */
  migrations: z.array(z.object({ hash: z.string(), createdAt: z.number() })).min(1),
});

export const tableSchema = z.object({
  table: z.string(),
  columns: z.array(z.string()).min(1),
  /** Of which a sequence numbers the rows. */
  identity: z.array(z.string()),
});

export const trailerSchema = z.object({
  end: z.literal(true),
  rows: z.number().int().nonnegative(),
  sha256: z.string(),
});

export type BackupHeader = z.infer<typeof headerSchema>;
export type BackedUpTable = z.infer<typeof tableSchema>;

/** The file is no backup, is not whole, or was changed. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** A name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
