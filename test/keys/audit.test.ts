import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asc, eq, gt, sql } from '../../src/db/drizzle.ts';
import { installation, audit as rows } from '../../src/db/schema.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import { type AuditHead, HEAD_NAME, verifyAudit } from '../../src/keys/audit-chain.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { makeRing } from '../support/key-ring.ts';

let database: TestDatabase;
let ring: KeyRing;
let audit: Audit;

beforeEach(async () => {
  database = await createTestDatabase();
  ring = await makeRing();
  audit = createAudit({ db: database.db, ring });
});
afterEach(() => database.close());

const verify = (known?: readonly AuditHead[]) => verifyAudit({ db: database.db, ring }, known);
const add = (userId: number, provider = 'openai') =>
  audit.record({ action: 'key.added', actor: 'user', userId, provider, detail: { b: 1, a: 'x' } });
const fill = async (count: number) => {
  for (let i = 1; i <= count; i += 1) await add(i);
};
/** As somebody who owns the database would, past the trigger. */
const tamper = (statement: ReturnType<typeof sql>) =>
  database.db.transaction(async (tx) => {
    await tx.execute(sql`set local session_replication_role = replica`);
    await tx.execute(statement);
  });

test('what is appended is a whole chain, without gaps and without user ids', async () => {
  await fill(5);
  expect(await verify()).toMatchObject({ rows: 5, head: { seq: 5 }, faults: [] });
  const all = await database.db.select().from(rows).orderBy(asc(rows.seq));
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  expect(all[2]?.subject).toBe(ring.pseudonym('3'));
  expect(await audit.of([3], 10)).toHaveLength(1);
  expect(await audit.of([9], 10)).toHaveLength(0);
});

test('an empty trail is whole', async () => {
  expect(await verify()).toEqual({ rows: 0, head: { seq: 0, mac: '' }, faults: [] });
});

test('a hundred appends at once make one chain', async () => {
  await Promise.all(Array.from({ length: 100 }, (_, i) => add(i)));
  expect(await verify()).toMatchObject({ rows: 100, faults: [] });
});

test('an operation that fails leaves no row, and a row that fails no operation', async () => {
  await fill(1);
  const failed = database.db.transaction(async (tx) => {
    await audit.append(tx, { action: 'key.deleted', actor: 'user', userId: 1 });
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await verify()).toMatchObject({ rows: 1, faults: [] });
});

test.each([
  ['UPDATE', sql`update audit set action = 'key.used'`],
  ['DELETE', sql`delete from audit`],
  ['TRUNCATE', sql`truncate audit`],
])('the database refuses %s', async (_, statement) => {
  await fill(2);
  await expect(database.db.execute(statement)).rejects.toThrow(/append-only/);
  expect(await verify()).toMatchObject({ rows: 2, faults: [] });
});

describe('is found:', () => {
  beforeEach(() => fill(6));

  test.each([
    ['time', sql`update audit set at = at + interval '1 second' where seq = 3`],
    ['action', sql`update audit set action = 'key.used' where seq = 3`],
    ['actor', sql`update audit set actor = 'operator' where seq = 3`],
    ['subject', sql`update audit set subject = 'other' where seq = 3`],
    ['no subject', sql`update audit set subject = null where seq = 3`],
    ['provider', sql`update audit set provider = 'groq' where seq = 3`],
    ['platform', sql`update audit set platform = 'telegram' where seq = 3`],
    ['detail', sql`update audit set detail = '{"a": "x", "b": 2}' where seq = 3`],
    ['MAC', sql`update audit set mac = 'x' || mac where seq = 3`],
  ])('a changed %s', async (_, statement) => {
    await tamper(statement);
    expect((await verify()).faults).toContainEqual({ fault: 'changed', seq: 3 });
  });

  test('a removed row', async () => {
    await tamper(sql`delete from audit where seq = 3`);
    expect((await verify()).faults).toEqual([{ fault: 'removed', from: 3, to: 3 }]);
  });

  test('a removed first row', async () => {
    await tamper(sql`delete from audit where seq = 1`);
    expect((await verify()).faults).toEqual([{ fault: 'removed', from: 1, to: 1 }]);
  });

  test('a removed row whose gap was closed by new numbers', async () => {
    await tamper(sql`delete from audit where seq = 3`);
    for (const seq of [4, 5, 6]) {
      await tamper(sql`update audit set seq = ${seq - 1}::int where seq = ${seq}::int`);
    }
    expect((await verify()).faults).toContainEqual({ fault: 'changed', seq: 3 });
  });

  test('two rows that changed places', async () => {
    await tamper(sql`update audit set seq = 99 where seq = 3`);
    await tamper(sql`update audit set seq = 3 where seq = 4`);
    await tamper(sql`update audit set seq = 4 where seq = 99`);
    expect((await verify()).faults).toEqual([
      { fault: 'changed', seq: 3 },
      { fault: 'changed', seq: 4 },
      { fault: 'changed', seq: 5 },
    ]);
  });

  test('a row that was appended without the ring', async () => {
    const foreign = createAudit({ db: database.db, ring: await makeRing() });
    await foreign.record({ action: 'key.deleted', actor: 'user', userId: 1 });
    expect((await verify()).faults).toContainEqual({ fault: 'changed', seq: 7 });
  });

  test('a row of the same number and ring, from another course of events', async () => {
    const copy = await createTestDatabase();
    try {
      const there = createAudit({ db: copy.db, ring });
      for (let i = 0; i < 3; i += 1) {
        await there.record({ action: 'key.deleted', actor: 'user', userId: 8 });
      }
      const [, , third] = await copy.db.select().from(rows).orderBy(asc(rows.seq));
      await tamper(sql`delete from audit where seq = 3`);
      if (third === undefined) throw new Error('no third row');
      await database.db.insert(rows).values(third);
    } finally {
      await copy.close();
    }
    expect((await verify()).faults).toContainEqual({ fault: 'changed', seq: 3 });
  });

  test('a cut tail', async () => {
    await tamper(sql`delete from audit where seq > 4`);
    expect((await verify()).faults).toEqual([{ fault: 'removed', from: 5, to: 6 }]);
  });

  test('a cut tail that was written on since', async () => {
    await tamper(sql`delete from audit where seq > 4`);
    await fill(2);
    expect((await verify()).faults).toContainEqual({ fault: 'removed', from: 5, to: 6 });
  });

  test('a cut tail whose head was removed as well', async () => {
    await tamper(sql`delete from audit where seq > 4`);
    await database.db.delete(installation).where(eq(installation.name, HEAD_NAME));
    expect((await verify()).faults).toEqual([{ fault: 'head-changed' }]);
  });

  test('a head that was made up', async () => {
    await database.db
      .update(installation)
      .set({ value: { seq: 6, mac: 'x', tag: 'x' } })
      .where(eq(installation.name, HEAD_NAME));
    expect((await verify()).faults).toEqual([{ fault: 'head-changed' }]);
  });

  test('a whole trail put back to an earlier state, by whoever kept a later head', async () => {
    const { head } = await verify();
    const [older] = await database.db
      .select()
      .from(installation)
      .where(eq(installation.name, HEAD_NAME));
    await fill(3);
    const later = (await verify()).head;
    await tamper(sql`delete from audit where ${gt(rows.seq, head.seq)}`);
    await database.db
      .update(installation)
      .set({ value: older?.value })
      .where(eq(installation.name, HEAD_NAME));
    expect((await verify()).faults).toEqual([]);
    expect((await verify([later])).faults).toEqual([{ fault: 'removed', from: 7, to: 9 }]);
    await fill(3);
    expect((await verify([later])).faults).toEqual([{ fault: 'changed', seq: 9 }]);
  });
});
