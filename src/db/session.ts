import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import postgres from 'postgres';
import array from 'postgres-array';
import { DatabaseError, toDatabaseError } from './errors.ts';

export interface SessionOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName: string;
  /** For host, port, TLS and login together, in milliseconds. Default 10,000. */
  readonly connectWithinMs?: number;
  /**
   * A session whose statements get no answer at all for so long, in milliseconds, counts as lost:
   * a network that swallows packets says nothing. Default: it waits for as long as TCP does.
   */
  readonly answerWithinMs?: number | undefined;
  /** Hears NOTIFY. */
  readonly onNotify?: (channel: string, payload: string) => void;
  /** How values are read and written, by PostgreSQL's type numbers, over the driver's own. */
  readonly types?: Pick<postgres.Sql['options'], 'parsers' | 'serializers'>;
}

export interface Statement {
  readonly text: string;
  readonly params?: Params;
  /** Parsed and planned once a session. */
  readonly prepare?: boolean;
  /** Rows as arrays. */
  readonly asArrays?: boolean;
}

export type Params = postgres.ParameterOrJSON<never>[];
export type Rows = postgres.RowList<postgres.Row[]>;

/** The code of a session that was lost in silence. */
export const UNANSWERED = 'CONNECTION_UNANSWERED';

/** One connection to PostgreSQL. Once lost, it stays lost, and nothing runs on it any more. */
export interface Session {
  readonly isLost: boolean;
  /** Rejects with a `DatabaseError`; `connectionLost`: it is not known whether it took effect. */
  run(statement: Statement): Promise<Rows>;
  /** Called once, at the latest when a statement fails because of it. */
  onLost(listener: (error: DatabaseError) => void): void;
  /** Says goodbye, once everything sent was answered. */
  close(): Promise<void>;
  /** Cuts it: PostgreSQL rolls back what was not committed. */
  destroy(): void;
}

/**
 * What a client of postgres.js is made with. `socket` is not in its types (it is in its README):
 * called for every attempt to connect, it gives the socket.
 */
export function clientOptions() {
  return {
    max: 1,
    // It would ask for the types of arrays on every new connection, and a connection that breaks
    // meanwhile would end the process: nobody catches that query's error.
    fetch_types: false,
    onnotice: () => undefined,
    types: {
      // Ids, counts and micro-dollars: all far below 2^53.
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
    },
  };
}

/** How often a silence is looked at before it counts. */
const LOOKS = 4;

/**
 * How arrays are read, which the driver would only do after asking for their types: text[], int4[],
 * int8[].
 */
const ARRAYS = {
  1009: (value: string) => array.parse(value, (text) => text),
  1007: (value: string) => array.parse(value, Number),
  1016: (value: string) => array.parse(value, Number),
};

/** @throws DatabaseError with the code of what kept it, such as `ECONNREFUSED` or `28P01` */
export async function openSession(options: SessionOptions): Promise<Session> {
  // Never connects: it takes the address apart as the sessions' own clients will.
  const { host: hosts, port: ports } = postgres(options.url, clientOptions()).options;
  const deadline = performance.now() + (options.connectWithinMs ?? 10_000);
  for (const [index, host] of hosts.entries()) {
    try {
      return await openOn(host, ports[index] ?? 5432, deadline - performance.now(), options);
    } catch (error) {
      if (index === hosts.length - 1) throw error;
    }
  }
  throw new DatabaseError({ message: 'no host is given', code: 'ENOTFOUND' });
}

/**
 * postgres.js connects again by itself, on the same object, when a connection breaks: a statement
 * of a lost transaction (its rollback, say) can then reach whoever has the new connection, crash
 * the process (a write to no socket), or leave a connection that never sends again. So each of its
 * clients here gets one socket in its life and one session on it. What is lost is refused here,
 * before the driver sees it, and the whole client goes.
 */
async function openOn(
  host: string,
  port: number,
  withinMs: number,
  { url, applicationName, answerWithinMs, onNotify, types }: SessionOptions,
): Promise<Session> {
  let socket: Socket | undefined;
  let lost: DatabaseError | undefined;
  const waiting = new Set<(error: DatabaseError) => void>();
  const listeners: ((error: DatabaseError) => void)[] = [];
  const lose = (error: DatabaseError) => {
    if (lost !== undefined) return;
    lost = error;
    clearTimeout(silence);
    socket?.destroy();
    for (const listener of listeners.splice(0)) listener(error);
    for (const reject of waiting) reject(error);
    waiting.clear();
  };
  // Begun anew at every statement and every answer. It takes some looks in a row, so that a process
  // that stood still does not take what came meanwhile for silence.
  let looks = 0;
  const silence = setTimeout(
    () => {
      if (waiting.size === 0) return;
      looks++;
      if (looks === LOOKS) lose(unanswered());
      else silence.refresh();
    },
    answerWithinMs === undefined ? 2 ** 31 - 1 : answerWithinMs / LOOKS,
  ).unref();
  const heard = () => {
    looks = 0;
    if (lost === undefined) silence.refresh();
  };

  const options = {
    ...clientOptions(),
    host,
    port,
    connection: { application_name: applicationName },
    max_lifetime: null,
    // The deadline below holds for all of it.
    connect_timeout: 0,
    backoff: () => 0,
    onnotify: onNotify,
    onclose: () => lose(closed()),
    async socket({ path }: { readonly path?: string | false }) {
      if (socket !== undefined || lost !== undefined) throw lost ?? closed();
      socket = path ? connect({ path }) : connect({ host, port, noDelay: true });
      // After TLS has begun, only its own socket has the driver's listeners.
      socket.on('error', () => undefined);
      socket.once('close', () => setImmediate(lose, closed()));
      await once(socket, 'connect');
      // Whom the certificate must name.
      return Object.assign(socket, { host });
    },
  };
  const client = postgres(url, options);
  Object.assign(client.options.parsers, ARRAYS, types?.parsers);
  Object.assign(client.options.serializers, types?.serializers);

  const session: Session = {
    get isLost() {
      return lost !== undefined;
    },
    run({ text, params = [], prepare = false, asArrays = false }) {
      return new Promise<Rows>((resolve, reject) => {
        if (lost !== undefined) return reject(lost);
        waiting.add(reject);
        heard();
        const answered = () => {
          waiting.delete(reject);
          heard();
        };
        const query = client.unsafe(text, params, { prepare });
        (asArrays ? query.values() : query).then(
          (rows) => {
            answered();
            resolve(rows);
          },
          (error: unknown) => {
            answered();
            const failure = toDatabaseError(error, text);
            // Not PostgreSQL's own words: the connection broke, or is in a state nobody knows.
            if (!(error instanceof postgres.PostgresError)) lose(failure);
            reject(failure);
          },
        );
      });
    },
    onLost(listener) {
      if (lost === undefined) listeners.push(listener);
      else listener(lost);
    },
    async close() {
      if (lost === undefined) await client.end({ timeout: 1 });
      session.destroy();
    },
    destroy: () => lose(closed()),
  };

  const late = setTimeout(() => lose(timedOut()), Math.max(0, withinMs));
  try {
    // The driver connects at the first statement. A transaction that was given up in silence must
    // not hold its locks until the server's TCP notices.
    const limit = answerWithinMs === undefined ? 0 : Math.ceil(2 * answerWithinMs);
    await session.run({ text: `set idle_in_transaction_session_timeout = ${limit}` });
    return session;
  } catch (error) {
    session.destroy();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

const closed = () =>
  new DatabaseError({ message: 'the connection was lost', code: 'CONNECTION_CLOSED' });
const unanswered = () =>
  new DatabaseError({ message: 'PostgreSQL does not answer', code: UNANSWERED });
const timedOut = () =>
  new DatabaseError({ message: 'PostgreSQL does not answer', code: 'CONNECT_TIMEOUT' });
