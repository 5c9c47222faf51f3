import type { Database } from '../../src/db/client.ts';
import { users } from '../../src/db/schema.ts';

/** A user without any account. @returns the id */
export async function makeUser(db: Database): Promise<number> {
  const [user] = await db.insert(users).values({}).returning();
  if (user === undefined) throw new Error('no user');
  return user.id;
}
