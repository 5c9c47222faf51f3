import postgres from 'postgres';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import { toDatabaseError } from './errors.ts';
import { clientOptions, openSession, type Session, type SessionOptions } from './session.ts';

export interface ConnectOptions {
  readonly url: Secret;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** See {@link SessionOptions}; default a minute. */
  readonly answerWithinMs?: number;
}

/** What the connections of bots and workers are called, and those of the operator's shell. */
export const BOT_CONNECTIONS = 'latchkey';
export const ADMIN_CONNECTIONS = 'latchkey-admin';

const ANSWER_WITHIN_MS = 60_000;

/**
 * One connection of its own, on which a statement may take as long as it takes.
 * @throws StartError when it can't be, without the password
 */
export function openConnection(
  options: Pick<ConnectOptions, 'url' | 'applicationName'>,
): Promise<Session> {
  createClient(options);
  const session = { ...sessionOptions(options), answerWithinMs: undefined };
  return explainedRefusal(options, () => openSession(session));
}

/**
 * A client of the driver's own, for what streams (COPY). Where its connection breaks, so does the
 * work, and perhaps the process: for commands of the shell alone.
 * @throws StartError when it can't connect, without the password
 */
export async function openStreaming(
  options: Pick<ConnectOptions, 'url'> & { readonly applicationName: string },
): Promise<postgres.Sql> {
  const client = createClient(options);
  try {
    await explainedRefusal(
      options,
      () => client`select set_config('application_name', ${options.applicationName}, false)`,
    );
    return client;
  } catch (error) {
    await client.end({ timeout: 0 });
    throw error;
  }
}

export function sessionOptions(options: ConnectOptions): SessionOptions {
  return {
    url: options.url.reveal(),
    applicationName: options.applicationName ?? BOT_CONNECTIONS,
    answerWithinMs: options.answerWithinMs ?? ANSWER_WITHIN_MS,
  };
}

/** It has not connected yet. @throws StartError for an address that is none */
export function createClient({ url }: Pick<ConnectOptions, 'url'>): postgres.Sql {
  try {
    return postgres(url.reveal(), clientOptions());
  } catch {
    throw new StartError(
      'DATABASE_URL is not an address of PostgreSQL: it takes postgres://host:port/database, with user:password@ before the host.',
    );
  }
}

/**
 * Connects by `connect`. A server that has just been started refuses for a moment (57P03): that
 * alone is waited for.
 * @throws StartError
 */
export async function explainedRefusal<T>(
  { url }: Pick<ConnectOptions, 'url'>,
  connect: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (toDatabaseError(error).code !== '57P03' || performance.now() > deadline) {
        const { host, database } = describeAddress(url.reveal());
        throw new StartError(`${explainRefusal(error, host, database)}. Check DATABASE_URL.`);
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

function describeAddress(url: string): { host: string; database: string } {
  try {
    const { host, hostname, port, pathname, searchParams } = new URL(url);
    const name = searchParams.get('host') ?? (port === '' ? `${hostname}:5432` : host);
    return { host: name, database: decodeURIComponent(pathname.slice(1)) };
  } catch {
    return { host: 'the address given', database: '' };
  }
}

function explainRefusal(error: unknown, host: string, database: string): string {
  const { code, message } = toDatabaseError(error);
  switch (code) {
    case 'ECONNREFUSED':
      return `No PostgreSQL answers at ${host}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of PostgreSQL at ${host} is not known`;
    case 'CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `PostgreSQL at ${host} can't be reached`;
    case 'CONNECTION_CLOSED':
    case 'ECONNRESET':
    case 'EPIPE':
      return `What listens at ${host} hangs up before it has said anything of PostgreSQL`;
    case '28P01':
      return `PostgreSQL at ${host} refuses the user name or password`;
    case '28000':
      return `PostgreSQL at ${host} does not let this user in from here`;
    case '3D000':
      return `PostgreSQL at ${host} has no database named ${database}`;
    case '53300':
      return `PostgreSQL at ${host} has no connection left`;
    default:
      return `PostgreSQL at ${host} does not work: ${message}`;
  }
}
