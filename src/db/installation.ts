/** Small facts about this installation, each a row with a name: where its bots are, who paused the house. */

import type { Queryable } from './client.ts';
import { eq } from './drizzle.ts';
import { installation } from './schema.ts';

/** @returns what was kept, unchecked; undefined: nothing */
export async function readFact(db: Queryable, name: string): Promise<unknown> {
  const [row] = await db
    .select({ value: installation.value })
    .from(installation)
    .where(eq(installation.name, name));
  return row?.value;
}

/** @param value JSON */
export async function keepFact(db: Queryable, name: string, value: unknown): Promise<void> {
  await db
    .insert(installation)
    .values({ name, value })
    .onConflictDoUpdate({ target: installation.name, set: { value } });
}

/** Of several at once, the first stays. @returns the value that is kept now */
export async function keepFirstFact(db: Queryable, name: string, value: unknown): Promise<unknown> {
  await db.insert(installation).values({ name, value }).onConflictDoNothing();
  return readFact(db, name);
}

export async function dropFact(db: Queryable, name: string): Promise<void> {
  await db.delete(installation).where(eq(installation.name, name));
}
