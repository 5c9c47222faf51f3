/** Statements that are put together once: for those that every turn runs. */

import type { Queryable } from './client.ts';
import { PgDialect, type SQL, sql } from './drizzle.ts';

/** A place for a value, which stands in an SQL template as the value itself would. */
export type Place<Values> = (name: keyof Values & string) => ReturnType<typeof sql.placeholder>;

/** Runs it where a query may run. Rows and values are those of `db.execute`. */
export type BuiltStatement<Values, Row> = (
  on: Queryable,
  values: Values,
) => Promise<readonly Row[]>;

/**
 * drizzle would put the text together anew each time, which takes it longer than all else that it
 * does for a statement.
 * @param build called once, when the statement is first run
 */
export function builtOnce<Values extends object, Row extends object>(
  build: (place: Place<Values>) => SQL,
): BuiltStatement<Values, Row> {
  let built: ReturnType<InstanceType<typeof PgDialect>['sqlToQuery']> | undefined;
  return (on, values) => {
    built ??= new PgDialect().sqlToQuery(build((name) => sql.placeholder(name)));
    return on._.session
      .prepareQuery<{ execute: readonly Row[]; all: unknown; values: unknown }>(
        built,
        undefined,
        undefined,
        false,
      )
      .execute(Object.fromEntries(Object.entries(values)));
  };
}
