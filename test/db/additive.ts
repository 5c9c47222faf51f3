/** Whether a migration only adds, so that processes of the version before go on working on its tables. */

/** Written by hand or by drizzle-kit; one a statement. */
const BREAKPOINT = '--> statement-breakpoint';

/** @returns the statements that an older process would not survive, each with the reason */
export function whatDoesNotOnlyAdd(migration: string): readonly string[] {
  const statements = migration
    .split(BREAKPOINT)
    .flatMap((part) => part.replace(/^\s*--.*$/gm, '').split(/;\s*(?:\n|$)/))
    .map((statement) => statement.replace(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
  const made = new Set(
    statements.flatMap((statement) => /^create table "?(\w+)"?/i.exec(statement)?.[1] ?? []),
  );
  return statements.flatMap((statement) => {
    const reason = reasonAgainst(statement, made);
    return reason === undefined ? [] : [`${reason}: ${statement}`];
  });
}

/** @param made tables that no older process knows */
function reasonAgainst(statement: string, made: ReadonlySet<string>): string | undefined {
  if (/^create (?:table|sequence|schema) /i.test(statement)) return undefined;
  // What is there is brought along; the older version reads and writes its columns as before.
  if (/^(?:insert into|update) /i.test(statement)) return undefined;
  const index = /^create (unique )?index .* on (?:only )?"?(\w+)"?/i.exec(statement);
  if (index !== null) {
    const [, isUnique, table = ''] = index;
    if (isUnique === undefined || made.has(table)) return undefined;
    return 'an older process may write what it forbids';
  }
  const altered = /^alter table (?:only )?"?(\w+)"? (.*)$/i.exec(statement);
  if (altered === null) return 'not known to add only';
  const [, table = '', change = ''] = altered;
  if (made.has(table)) return undefined;
  if (/^add column /i.test(change)) {
    const isDemanded = /not null/i.test(change) && !/default|generated/i.test(change);
    if (isDemanded) return 'an older process does not fill it';
    return /unique|check/i.test(change) ? 'an older process may write what it forbids' : undefined;
  }
  if (/^alter column "?\w+"? (?:drop not null|set default .*)$/i.test(change)) return undefined;
  return 'an older process still needs what it changes, or may write what it forbids';
}
