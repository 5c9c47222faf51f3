import postgres from 'postgres';
import type { Secret } from '../secret.ts';
import { StartError } from '../start-error.ts';
import { toDatabaseError } from './errors.ts';

export interface ConnectOptions {
  readonly url: Secret;
  /** Default 10. */
  readonly maxConnections?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

/** A pool of postgres.js that has been tried. @throws StartError when it can't be, without the password */
export async function openConnection(options: ConnectOptions): Promise<postgres.Sql> {
  const url = options.url.reveal();
  const client = createClient(url, options);
  const { host, database } = describeAddress(url);
  try {
    await waitUntilReady(client);
    return client;
  } catch (error) {
    await client.end({ timeout: 0 });
    throw new StartError(`${explainRefusal(error, host, database)}. Check DATABASE_URL.`);
  }
}

function createClient(url: string, options: ConnectOptions): postgres.Sql {
  try {
    return postgres(url, {
      max: options.maxConnections ?? 10,
      connect_timeout: 10,
      connection: { application_name: options.applicationName ?? 'latchkey' },
      onnotice: () => undefined,
      types: {
        // Ids, counts and micro-dollars: all far below 2^53.
        bigint: { to: 20, from: [20], parse: Number, serialize: String },
      },
    });
  } catch {
    throw new StartError(
      'DATABASE_URL is not an address of PostgreSQL: it takes postgres://host:port/database, with user:password@ before the host.',
    );
  }
}

/** A server that has just been started refuses for a moment (57P03): that alone is waited for. */
async function waitUntilReady(client: postgres.Sql): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await client`select 1`;
      return;
    } catch (error) {
      if (toDatabaseError(error).code !== '57P03' || Date.now() > deadline) throw error;
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
