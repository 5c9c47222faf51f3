/** A server that gives no further connections: those that are open serve everybody. */

import { expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { Secret } from '../../src/secret.ts';
import { createEmptyDatabase } from '../support/database.ts';

/** What the server gives to one who may have so many connections. */
async function connectedWith(connections: number, maxConnections: number) {
  const database = await createEmptyDatabase();
  const role = `narrow_${connections}_${Date.now()}`;
  const password = 'narrow';
  await database.db.execute(
    sql.raw(`create role ${role} login password '${password}' connection limit ${connections}`),
  );
  const url = new URL(database.url.reveal());
  url.username = role;
  url.password = password;
  let close = async () => {};
  onTestFinished(async () => {
    await close();
    await database.db.execute(sql.raw(`drop role ${role}`));
    await database.close();
  });
  const connection = await connectDatabase({ url: new Secret(url.href), maxConnections });
  close = connection.close;
  return connection.db;
}

test('more work than the server gives connections waits for those that there are', async () => {
  const db = await connectedWith(2, 8);
  const work = Array.from({ length: 40 }, (_, n) =>
    db.transaction(async (tx) => {
      await tx.execute(sql`select pg_sleep(0.005)`);
      const [row] = await tx.execute<{ n: number }>(sql`select ${n}::int as n`);
      return row?.n;
    }),
  );
  expect(await Promise.all(work)).toEqual(Array.from({ length: 40 }, (_, n) => n));
});

test('where the server gives none at all, that is an error', async () => {
  await expect(connectedWith(0, 8)).rejects.toThrow();
});
