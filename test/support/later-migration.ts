/** The migrations of a version that comes later. */

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const journal = z.object({
  version: z.string(),
  dialect: z.string(),
  entries: z.array(
    z.object({
      idx: z.number(),
      version: z.string(),
      when: z.number(),
      tag: z.string(),
      breakpoints: z.boolean(),
    }),
  ),
});

/** @param folder gets this version's migrations */
export async function copyMigrations(folder: string): Promise<void> {
  await cp('drizzle', folder, { recursive: true });
}

/** @param folder as {@link copyMigrations} left it, or this */
export async function addMigration(folder: string, statements: string): Promise<void> {
  const file = join(folder, 'meta', '_journal.json');
  const { entries, ...rest } = journal.parse(JSON.parse(await readFile(file, 'utf8')));
  const last = entries.at(-1);
  if (last === undefined) throw new Error('no migration');
  const tag = `${String(last.idx + 1).padStart(4, '0')}_later`;
  const added = { ...last, idx: last.idx + 1, when: last.when + 1, tag };
  await writeFile(join(folder, `${tag}.sql`), statements);
  await writeFile(file, JSON.stringify({ ...rest, entries: [...entries, added] }));
}
