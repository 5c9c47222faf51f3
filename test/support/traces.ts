/** Looks for secrets wherever they might have been left: the forms they take, and whole stores as text. */

import { Redis } from 'ioredis';
import type { Database } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import type { TestRedis } from './redis.ts';

/** The forms in which a text might stand somewhere. Base64 is looked for at each of the three alignments. */
export function formsOf(text: string): readonly (readonly [string, string])[] {
  const inside = (offset: number) => {
    const encoded = Buffer.from('\0'.repeat(offset) + text).toString('base64');
    // The first and last characters depend on what stands beside the text.
    return encoded.slice(offset === 0 ? 0 : 4, -4);
  };
  return [
    ['raw', text],
    // In a dump eight hex digits may stand by chance.
    ...(/^[\da-f]+$/i.test(text.slice(-8)) ? [] : [['tail', text.slice(-8)] as const]),
    ['hex', Buffer.from(text).toString('hex')],
    ['URL-encoded', encodeURIComponent(text)],
    ['base64 at 0', inside(0)],
    ['base64 at 1', inside(1)],
    ['base64 at 2', inside(2)],
  ];
}

/** Every row of every table of all schemas, as text; bytes in hex, and as text where they are some. */
export async function dumpDatabase(db: Database): Promise<string> {
  const tables = await db.execute(sql`
    select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
    from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`);
  const parts: string[] = [];
  for (const { name } of tables) {
    const rows = await db.execute(sql`select t::text as line from ${sql.raw(String(name))} t`);
    parts.push(String(name), ...rows.map(({ line }) => String(line)));
  }
  return parts.join('\n');
}

/** Every value of every key, by its type. */
export async function dumpRedis({ url }: TestRedis): Promise<string> {
  const client = new Redis(url);
  try {
    const parts: unknown[] = [];
    for (const key of await client.keys('*')) {
      const type = await client.type(key);
      parts.push(key, type, await readRedis(client, key, type));
    }
    return JSON.stringify(parts);
  } finally {
    client.disconnect();
  }
}

function readRedis(client: Redis, key: string, type: string): Promise<unknown> {
  switch (type) {
    case 'hash':
      return client.hgetall(key);
    case 'list':
      return client.lrange(key, 0, -1);
    case 'set':
      return client.smembers(key);
    case 'zset':
      return client.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return client.xrange(key, '-', '+');
    default:
      return client.get(key);
  }
}
