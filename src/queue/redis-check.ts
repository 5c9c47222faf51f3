/** What the operator should know of the Redis that the queue is on. */

import { connectRedis } from './redis.ts';
import type { RedisAddress } from './redis-address.ts';

export interface RedisFacts {
  readonly version: string | undefined;
  /** Undefined: this Redis does not tell its settings, as hosted ones do. */
  readonly maxmemoryPolicy: string | undefined;
  readonly appendOnly: boolean | undefined;
  /** Bytes; 0: no limit. */
  readonly maxmemory: number | undefined;
  readonly usedMemory: number | undefined;
}

/** What fails once may be a start that is not over yet, in milliseconds. */
const AFTER_FAILURE_MS = 1_000;

/** @returns a code where it does not answer: `WRONGPASS`, `ECONNREFUSED`, `no-answer` … */
export async function inspectRedis(
  address: RedisAddress,
  timeoutMs: number,
): Promise<RedisFacts | { readonly failure: string }> {
  const redis = connectRedis(address);
  let failure = 'no-answer';
  // What is sent while there is no connection waits for one for ever.
  const given = Promise.withResolvers<never>();
  const timers = [setTimeout(() => given.reject(new Error('no answer')), timeoutMs)];
  redis.on('error', (error: unknown) => {
    failure = codeOf(error) ?? failure;
    timers.push(setTimeout(() => given.reject(new Error('no answer')), AFTER_FAILURE_MS));
  });
  try {
    const read = async () => ({ info: await redis.info(), settings: await readSettings(redis) });
    const { info, settings } = await Promise.race([read(), given.promise]);
    const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
    return {
      version: field(info, 'redis_version'),
      usedMemory: number(field(info, 'used_memory')),
      maxmemory: number(field(info, 'maxmemory')),
      maxmemoryPolicy: settings.get('maxmemory-policy') ?? field(info, 'maxmemory_policy'),
      appendOnly: appendOnlyOf(settings.get('appendonly'), field(info, 'aof_enabled')),
    };
  } catch (error) {
    return { failure: codeOf(error) ?? failure };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    redis.disconnect();
  }
}

async function readSettings(redis: ReturnType<typeof connectRedis>) {
  const settings = new Map<string, string>();
  for (const name of ['maxmemory-policy', 'appendonly']) {
    const answer: unknown = await redis.call('config', 'get', name).catch(() => undefined);
    const value = Array.isArray(answer) ? answer[1] : undefined;
    if (typeof value === 'string') settings.set(name, value);
  }
  return settings;
}

function appendOnlyOf(setting: string | undefined, enabled: string | undefined) {
  if (setting !== undefined) return setting === 'yes';
  return enabled === undefined ? undefined : enabled === '1';
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Redis' own errors begin with their code.
  const own = /^([A-Z]{4,})\b/.exec(error.message)?.[1];
  return own ?? ('code' in error && typeof error.code === 'string' ? error.code : undefined);
}
