import { stringify } from 'csv-stringify/sync';

/**
 * A table for a spreadsheet, one column for each field. It begins with a byte order mark, without
 * which Excel takes UTF-8 for something else; what a spreadsheet would calculate stands behind an
 * apostrophe.
 */
export function csvOf(rows: readonly Readonly<Record<string, string | number>>[]): Buffer {
  return Buffer.from(stringify([...rows], { header: true, escape_formulas: true, bom: true }));
}
