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
  const session = await openConnection({ url, applicationName: 'latchkey-lock' });
  const [row] = await session.run({ text: `select pg_try_advisory_lock(${lock}) as held` });
  if (row?.held === true) return () => session.close();
  await session.close();
  return undefined;
}
