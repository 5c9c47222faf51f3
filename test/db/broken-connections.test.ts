/** What a transaction can rely on when its connection breaks, and the pool afterwards. */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  connectDatabase,
  type Database,
  type DatabaseConnection,
  DatabaseError,
} from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { openSession } from '../../src/db/session.ts';
import { Secret } from '../../src/secret.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const WIDTH = 8;

let direct: TestDatabase;
let proxy: TcpProxy;
let connection: DatabaseConnection;
let db: Database;

beforeAll(async () => {
  direct = await createEmptyDatabase();
  await direct.db.execute(sql`create table marks (id int not null, part int not null)`);
  const url = new URL(direct.url.reveal());
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  connection = await connectDatabase({
    url: new Secret(url.href),
    maxConnections: WIDTH,
    applicationName: 'tried',
    answerWithinMs: 600,
  });
  db = connection.db;
});
afterAll(async () => {
  await connection.close();
  await proxy.close();
  await direct.close();
});

beforeEach(async () => {
  await direct.db.execute(sql`truncate marks`);
});

type Outcome = 'done' | DatabaseError;

/** Three statements, the last one nested; PARTS rows or none. */
const PARTS = 3;
async function mark(id: number): Promise<Outcome> {
  const insert = (part: number) => sql`insert into marks (id, part) values (${id}, ${part})`;
  try {
    await db.transaction(async (tx) => {
      await tx.execute(insert(1));
      await tx.execute(sql`select pg_sleep(${Math.random() / 100}), ${'x'.repeat(2_000)}::text`);
      await tx.execute(insert(2));
      await tx.transaction((inner) => inner.execute(insert(3)));
    });
    return 'done';
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  }
}

/** Many transactions at once, over and over, while `disturb` is called again and again. */
async function runDisturbed(disturb: () => unknown): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  let id = 0;
  const until = Date.now() + 1_500;
  const worker = async () => {
    while (Date.now() < until) {
      const own = id++;
      outcomes.set(own, await mark(own));
    }
  };
  const disturber = async () => {
    while (Date.now() < until) {
      await disturb();
      await sleep(20);
    }
  };
  await Promise.all([...Array.from({ length: 2 * WIDTH }, worker), disturber()]);
  return outcomes;
}

async function expectAllOrNothing(outcomes: ReadonlyMap<number, Outcome>): Promise<void> {
  // What was cut off last may still be ending at the server.
  await waitFor(async () => {
    const [row] = await direct.db.execute(sql`select count(*) from pg_stat_activity
      where application_name = 'tried' and xact_start is not null`);
    return row?.count === 0;
  });
  const rows = await direct.db.execute(sql`select id, count(*)::int from marks group by id`);
  const counts = new Map(rows.map((row) => [Number(row.id), Number(row.count)]));
  const partial = [...counts].filter(([, count]) => count !== PARTS);
  expect(partial).toEqual([]);
  const [done, failed] = [
    [...outcomes].filter(([, outcome]) => outcome === 'done'),
    failures(outcomes),
  ];
  expect(done.filter(([id]) => counts.get(id) !== PARTS)).toEqual([]);
  expect(done.length).toBeGreaterThan(0);
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.filter((error) => !error.connectionLost).map((error) => error.message)).toEqual([]);
}

function failures(outcomes: ReadonlyMap<number, Outcome>): DatabaseError[] {
  return [...outcomes.values()].filter((outcome) => outcome !== 'done');
}

/** As many transactions at once as the pool has room for, each on a connection of its own. */
async function expectFullWidth(): Promise<void> {
  const met = Promise.withResolvers<void>();
  const pids = new Set<unknown>();
  const late = setTimeout(() => met.reject(new Error(`only ${pids.size} of ${WIDTH}`)), 3_000);
  const meet = () =>
    db.transaction(async (tx) => {
      const [row] = await tx.execute(sql`select pg_backend_pid() as pid`);
      if (pids.add(row?.pid).size === WIDTH) met.resolve();
      await met.promise;
    });
  await Promise.all(Array.from({ length: WIDTH }, meet)).finally(() => clearTimeout(late));
  expect(pids.size).toBe(WIDTH);
}

const terminate = (share: number) =>
  direct.db.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'tried' and random() < ${share}`);

describe('transactions are whole or fail, and the pool is whole again', () => {
  test('while the server ends connections', async () => {
    await expectAllOrNothing(await runDisturbed(() => terminate(0.3)));
    await expectFullWidth();
  });

  test('while the network cuts connections', async () => {
    await expectAllOrNothing(await runDisturbed(() => proxy.cut()));
    await expectFullWidth();
  });

  test('while the network swallows what is said', async () => {
    let turn = 0;
    // Not every time: what is swallowed is noticed only after a while.
    await expectAllOrNothing(await runDisturbed(() => turn++ % 30 === 5 && proxy.swallow()));
    await expectFullWidth();
  });
});

test('what a lost transaction still says reaches no other connection', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: WIDTH }, (_, id) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`insert into marks (id, part) values (${id}, 1)`);
        proxy.cut();
        // It does not heed any failure, and goes on while others get new connections.
        for (let part = 2; part < 20; part++) {
          await db.execute(sql`select 1`).catch(() => undefined);
          await tx
            .execute(sql`insert into marks (id, part) values (${id}, ${part})`)
            .catch(() => undefined);
        }
      }),
    ),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(Array(WIDTH).fill('rejected'));
  expect(await direct.db.execute(sql`select * from marks`)).toHaveLength(0);
  await expectFullWidth();
});

test('a transaction whose connection was lost makes room for others at once', async () => {
  const met = Promise.withResolvers<void>();
  let begun = 0;
  const outcomes = await Promise.all(
    Array.from({ length: WIDTH }, () =>
      db
        .transaction(async () => {
          if (++begun === WIDTH) met.resolve();
          await met.promise;
          proxy.cut();
          // All the room is lent to those who ask here.
          return await db.execute(sql`select 1`).catch((error: unknown) => error);
        })
        .catch((error: unknown) => error),
    ),
  );
  expect(outcomes).toHaveLength(WIDTH);
  await expectFullWidth();
});

test('a statement after the end of its transaction is refused', async () => {
  const escaped = await db.transaction(async (tx) => tx);
  const late = escaped.execute(sql`insert into marks (id, part) values (1, 1)`);
  await expect(late).rejects.toThrow(/the transaction is over/);
  expect(await direct.db.execute(sql`select * from marks`)).toHaveLength(0);
});

test('a statement that failed fails its transaction, though its error was caught', async () => {
  const outcome = db.transaction(async (tx) => {
    await tx.execute(sql`insert into marks (id, part) values (1, 1)`);
    await tx.execute(sql`select 1 / 0`).catch(() => undefined);
  });
  await expect(outcome).rejects.toThrow(/division by zero|value was refused/);
  expect(await direct.db.execute(sql`select * from marks`)).toHaveLength(0);
});

test('a nested transaction fails alone', async () => {
  await db.transaction(async (tx) => {
    await tx.execute(sql`insert into marks (id, part) values (1, 1)`);
    await tx
      .transaction(async (inner) => {
        await inner.execute(sql`insert into marks (id, part) values (1, 2)`);
        await inner.execute(sql`select 1 / 0`);
      })
      .catch(() => undefined);
    await tx.execute(sql`insert into marks (id, part) values (1, 3)`);
  });
  const rows = await direct.db.execute(sql`select part from marks order by part`);
  expect(rows.map(({ part }) => part)).toEqual([1, 3]);
});

test('a server that takes connections and says nothing fails queries in time', async () => {
  proxy.swallowAll(true);
  const failed = await db.execute(sql`select 1`).catch((error: unknown) => error);
  proxy.swallowAll(false);
  expect(failed).toMatchObject({ connectionLost: true });
  await expectFullWidth();
});

test('what takes connections and says nothing is no PostgreSQL, after a while', async () => {
  proxy.swallowAll(true);
  const url = new URL(direct.url.reveal());
  url.port = String(proxy.port);
  const opening = openSession({ url: url.href, applicationName: 'test', connectWithinMs: 100 });
  await expect(opening).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT', connectionLost: true });
  proxy.swallowAll(false);
});

test('the listener hears again after its connection was cut', async () => {
  const heard: string[] = [];
  const unlisten = await connection.listen('marks', (payload) => void heard.push(payload));
  proxy.cut();
  await waitFor(async () => {
    await direct.db.execute(sql`select pg_notify('marks', 'again')`);
    return heard.length > 0;
  });
  await unlisten();
});

test('closing waits for what runs, and refuses what comes later', async () => {
  const own = await connectDatabase({ url: direct.url, maxConnections: 1 });
  const [running, waiting] = [sql`select pg_sleep(0.05), 1 as one`, sql`select 2 as two`].map(
    async (query) => own.db.execute(query),
  );
  // A query begins a moment after it was made.
  await nextTurn();
  const closed = own.close();
  await expect(own.db.execute(sql`select 3`)).rejects.toMatchObject({ code: 'CONNECTION_ENDED' });
  expect((await running)?.[0]).toMatchObject({ one: 1 });
  expect((await waiting)?.[0]).toEqual({ two: 2 });
  await closed;
});
