import type { Secret } from '../secret.ts';
import { openConnection } from './connection.ts';

/**
 * Takes a lock that lasts as long as this process holds its connection: the server lets it go when
 * the process dies, kill -9 included.
 * @returns what lets it go; undefined: another process holds it
 */
export async function holdSessionLock(
  url: Secret,
  lock: number,
): Promise<(() => Promise<void>) | undefined> {
  const client = await openConnection({ url, maxConnections: 1, applicationName: 'latchkey-lock' });
  const [row] = await client<{ held: boolean }[]>`select pg_try_advisory_lock(${lock}) as held`;
  if (row?.held === true) return () => client.end({ timeout: 5 });
  await client.end({ timeout: 5 });
  return undefined;
}
