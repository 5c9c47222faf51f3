/** Addresses of attachments: signed, and good for a day. */

import { createHmac } from 'node:crypto';
import type { FileRecord } from './records.ts';
import type { World } from './world.ts';

const DAY = 86_400_000;

export function signedUrl(world: World, file: FileRecord): string {
  const issued = Math.floor(world.clock.now() / 1000);
  const expires = hex(issued + DAY / 1000);
  const query = new URLSearchParams({
    ex: expires,
    is: hex(issued),
    hm: signature(world, file, expires),
  });
  return `${world.origin}/${file.folder}/${file.id}/${encodeURIComponent(file.name)}?${query}&`;
}

/** Whether the address still works. */
export function isSigned(world: World, file: FileRecord, query: URLSearchParams): boolean {
  const expires = query.get('ex') ?? '';
  if (query.get('hm') !== signature(world, file, expires)) return false;
  return Number.parseInt(expires, 16) * 1000 > world.clock.now();
}

const hex = (seconds: number): string => seconds.toString(16);

function signature(world: World, file: FileRecord, expires: string): string {
  return createHmac('sha256', world.token)
    .update(`${file.folder}/${file.id}/${expires}`)
    .digest('hex');
}
