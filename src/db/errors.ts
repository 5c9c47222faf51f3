/** What goes wrong in PostgreSQL, without the values that were in the query. */

/** SQLSTATE classes whose message quotes the value that was refused. */
const QUOTES_VALUES = new Set(['22']);

/** SQLSTATEs after which the same transaction may succeed when it is run again. */
const WORTH_RETRYING = new Set(['40001', '40P01', '55P03', '57014']);

/**
 * A query failed. drizzle's own error carries the parameters (users' words, sealed keys) in its
 * message, and PostgreSQL's carries them in `detail`: this one has neither, nor a `cause`.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** A SQLSTATE of five characters, or the connection's code, such as `ECONNREFUSED`. */
  readonly code: string;
  readonly constraint: string | undefined;
  /** The connection failed: whether the query took effect is unknown. */
  readonly connectionLost: boolean;
  /** The transaction may be run again as it is. */
  readonly retryable: boolean;

  constructor(details: { message: string; code: string; constraint?: string | undefined }) {
    super(details.message);
    this.code = details.code;
    this.constraint = details.constraint;
    this.connectionLost = isConnectionCode(details.code);
    this.retryable = WORTH_RETRYING.has(details.code);
  }
}

export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return (
    error instanceof DatabaseError &&
    error.code === '23505' &&
    (constraint === undefined || error.constraint === constraint)
  );
}

/** Turns what the driver threw into a {@link DatabaseError}; `statement` is SQL with placeholders. */
export function toDatabaseError(error: unknown, statement?: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = readString(error, 'code') ?? 'unknown';
  const constraint = readString(error, 'constraint_name') ?? readString(error, 'constraint');
  const what = QUOTES_VALUES.has(code.slice(0, 2))
    ? 'a value was refused'
    : (readString(error, 'message') ?? 'unknown failure');
  const where = statement === undefined ? '' : `, in: ${shorten(statement)}`;
  return new DatabaseError({ message: `${what} (${code})${where}`, code, constraint });
}

/** One line about a failed query that may be logged: never a parameter of it. */
export function describeDatabaseError(error: unknown): string {
  const inner = isDrizzleError(error) ? error.cause : error;
  return toDatabaseError(inner).message;
}

/** drizzle's DrizzleQueryError, told by its shape, since two copies of drizzle may be loaded. */
export function isDrizzleError(error: unknown): error is Error & { query: string } {
  return (
    error instanceof Error &&
    'params' in error &&
    'query' in error &&
    typeof error.query === 'string'
  );
}

function isConnectionCode(code: string): boolean {
  // Class 08: connection exception; 57P01–57P03: the server stops, crashed, or is starting.
  return /^(08...|57P0[123]|E[A-Z]{3,}|CONN.*)$/.test(code);
}

function shorten(statement: string): string {
  const line = statement.replace(/\s+/g, ' ').trim();
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

function readString(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null || !(key in value)) return undefined;
  const found: unknown = Reflect.get(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
