import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectDatabase,
  DatabaseError,
  describeDatabaseError,
  isUniqueViolation,
} from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import { installation, users } from '../../src/db/schema.ts';
import { Secret } from '../../src/secret.ts';
import { StartError } from '../../src/start-error.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const CANARY = 'canary-words-of-a-user';

async function failureOf(query: () => PromiseLike<unknown>): Promise<unknown> {
  try {
    await query();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Everything that a careless logger could print of an error. */
function allOf(error: unknown): string {
  const own = error instanceof Error ? `${error.message} ${error.stack}` : '';
  return `${own} ${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`;
}

const FAILURES: Record<string, () => PromiseLike<unknown>> = {
  'a raw query': () => database.db.execute(sql`select ${CANARY}::int`),
  'a value that PostgreSQL quotes': () =>
    database.db.execute(sql`select ${CANARY}::text::timestamptz`),
  'an insert': () =>
    database.db
      .insert(installation)
      .values({ name: CANARY, value: 1 })
      .then(() => database.db.insert(installation).values({ name: CANARY, value: CANARY })),
  'a query in a transaction': () =>
    database.db.transaction((tx) => tx.execute(sql`select ${CANARY}::int`)),
  'a query in a nested transaction': () =>
    database.db.transaction((outer) =>
      outer.transaction((tx) => tx.execute(sql`select ${CANARY}::int`)),
    ),
  'a query builder': () =>
    database.db.select().from(installation).where(sql`name = ${CANARY} and value = 1`),
};

for (const [name, query] of Object.entries(FAILURES)) {
  test(`the error of ${name} holds no parameter`, async () => {
    const error = await failureOf(query);
    expect(error).toBeInstanceOf(DatabaseError);
    expect(allOf(error)).not.toContain(CANARY);
  });
}

test("drizzle's own error is described without its parameters", () => {
  const raw = Object.assign(new Error(`Failed query: select $1\nparams: ${CANARY}`), {
    query: 'select $1',
    params: [CANARY],
    cause: Object.assign(new Error('relation "x" does not exist'), { code: '42P01' }),
  });
  expect(describeDatabaseError(raw)).toBe('relation "x" does not exist (42P01)');
});

test('a unique violation names its constraint', async () => {
  await database.db.insert(installation).values({ name: 'twice', value: 1 });
  const error = await failureOf(() =>
    database.db.insert(installation).values({ name: 'twice', value: 2 }),
  );
  expect(isUniqueViolation(error)).toBe(true);
  expect(isUniqueViolation(error, 'installation_pkey')).toBe(true);
  expect(isUniqueViolation(error, 'another')).toBe(false);
});

test('bigint comes as a number from raw queries and from tables', async () => {
  const [row] = await database.db.execute(sql`select 9007199254740991::bigint as big, count(*)`);
  expect(row).toEqual({ big: 9007199254740991, count: 1 });
  const [user] = await database.db.insert(users).values({}).returning();
  expect(user?.id).toBeTypeOf('number');
  expect(user?.createdAt).toBeInstanceOf(Date);
});

test('a rolled back transaction leaves nothing', async () => {
  await failureOf(() =>
    database.db.transaction(async (tx) => {
      await tx.insert(installation).values({ name: 'rolled back', value: 1 });
      throw new Error('on purpose');
    }),
  );
  const rows = await database.db.execute(
    sql`select 1 from installation where name = 'rolled back'`,
  );
  expect(rows).toHaveLength(0);
});

test('a notification reaches the listener until it stops listening', async () => {
  const heard: string[] = [];
  const unlisten = await database.listen('test_channel', (payload) => heard.push(payload));
  await database.db.execute(sql`select pg_notify('test_channel', 'one')`);
  await waitFor(() => heard.includes('one'));
  await unlisten();
  await database.db.execute(sql`select pg_notify('test_channel', 'two')`);
  expect(heard).toEqual(['one']);
});

test('listening and queries come back after the server dropped every connection', async () => {
  const heard: string[] = [];
  await database.listen('survivor', (payload) => heard.push(payload));
  const other = await connectDatabase({ url: database.url, maxConnections: 1 });
  await other.db.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`);
  await waitFor(async () => {
    await database.db.execute(sql`select pg_notify('survivor', 'again')`).catch(() => undefined);
    return heard.length > 0;
  });
  await other.close();
});

function changed(part: (url: URL) => void): Secret {
  const url = new URL(database.url.reveal());
  part(url);
  return new Secret(url.href);
}

const REFUSALS: Record<string, { change: (url: URL) => void; says: RegExp }> = {
  'a port where nothing listens': {
    change: (url) => {
      url.port = '1';
    },
    says: /^No PostgreSQL answers at 127\.0\.0\.1:1\. Check DATABASE_URL\.$/,
  },
  'a wrong password': {
    change: (url) => {
      url.password = CANARY;
    },
    says: /refuses the user name or password/,
  },
  'an unknown database': {
    change: (url) => {
      url.pathname = '/nowhere';
    },
    says: /has no database named nowhere/,
  },
  'an unknown host': {
    change: (url) => {
      url.hostname = 'nowhere.invalid';
    },
    says: /^The host of PostgreSQL at nowhere\.invalid:\d+ is not known/,
  },
};

for (const [name, { change, says }] of Object.entries(REFUSALS)) {
  test(`${name} stops the start with a sentence`, async () => {
    const error = await failureOf(() => connectDatabase({ url: changed(change) }));
    expect(error).toBeInstanceOf(StartError);
    expect(String(error instanceof Error && error.message)).toMatch(says);
    expect(allOf(error)).not.toContain(CANARY);
    expect(allOf(error)).not.toContain(new URL(database.url.reveal()).password);
  });
}

test('what is no address of PostgreSQL stops the start with a sentence', async () => {
  for (const url of ['nonsense', 'postgres://', 'postgres://u:p@h:99999/x', '']) {
    const error = await failureOf(() => connectDatabase({ url: new Secret(url) }));
    expect(error, url).toBeInstanceOf(StartError);
  }
});
