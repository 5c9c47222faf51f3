import type postgres from 'postgres';
import type { Pool } from './pool.ts';
import type { Params, Rows } from './session.ts';
import { type Scope, transact } from './transaction.ts';

/** What drizzle asks of postgres.js inside a transaction. */
interface TransactionClient {
  readonly unsafe: Unsafe;
  savepoint<T>(work: (client: TransactionClient) => Promise<T>): Promise<T>;
}

type Unsafe = (
  text: string,
  params?: Params,
  options?: { readonly prepare?: boolean },
) => Promise<Rows> & { values(): Promise<Rows> };

/**
 * Gives drizzle the client of postgres.js that it knows, but runs all statements and transactions
 * on the sessions of `pool`: the client itself never connects.
 */
export function onPool(client: postgres.Sql, pool: Pool) {
  return Object.assign(client, {
    unsafe: unsafeOn((statement) => pool.use((session) => session.run(statement))),
    begin: <T>(work: (transaction: TransactionClient) => Promise<T>) =>
      pool.use((session) => transact(session, (scope) => work(inside(scope)))),
  });
}

function inside(scope: Scope): TransactionClient {
  return {
    unsafe: unsafeOn(scope.run),
    savepoint: (work) => scope.savepoint((inner) => work(inside(inner))),
  };
}

function unsafeOn(run: Scope['run']): Unsafe {
  return (text, params = [], { prepare = false } = {}) =>
    deferred(({ asArrays }) => run({ text, params, prepare, asArrays }));
}

/** Runs a moment later, since `values()` may still be called on what it returns. */
function deferred(run: (how: { readonly asArrays: boolean }) => Promise<Rows>) {
  const how = { asArrays: false };
  const rows = Promise.resolve().then(() => run(how));
  return Object.assign(rows, {
    values() {
      how.asArrays = true;
      return rows;
    },
  });
}
