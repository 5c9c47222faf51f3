import { parseRedisAddress } from '../../queue/redis-address.ts';
import { inspectRedis, type RedisFacts } from '../../queue/redis-check.ts';
import type { Secret } from '../../secret.ts';
import { type Finding, ok, warning, wrong } from './finding.ts';

const PATIENCE_MS = 5_000;
/** Below it, commands that BullMQ uses are missing. */
const OLDEST = 6.2;
const NEARLY_FULL = 0.8;

export async function checkRedis(url: Secret): Promise<Finding[]> {
  const address = parseRedisAddress(url.reveal());
  if (address === undefined) return [];
  const facts = await inspectRedis(address, PATIENCE_MS);
  return 'failure' in facts ? [sayFailure(facts.failure)] : sayRedis(facts);
}

export function sayRedis(facts: RedisFacts): Finding[] {
  const { version = '', maxmemoryPolicy, appendOnly, maxmemory = 0, usedMemory = 0 } = facts;
  const found = [
    Number.parseFloat(version) < OLDEST
      ? wrong('redis', `Redis ${version} is too old.`, `Take Redis ${OLDEST} or newer, or Valkey.`)
      : ok('redis', `Redis ${version} answers.`),
  ];
  if (maxmemoryPolicy === undefined || appendOnly === undefined) {
    found.push(
      warning(
        'redis settings',
        'This Redis does not tell its settings.',
        'See with whoever runs it that maxmemory-policy is noeviction, and that it writes to disk.',
      ),
    );
  }
  if (maxmemoryPolicy !== undefined) {
    found.push(
      maxmemoryPolicy === 'noeviction'
        ? ok('redis eviction', 'It refuses rather than forgets when its memory is full.')
        : wrong(
            'redis eviction',
            `maxmemory-policy is ${maxmemoryPolicy}: when its memory is full, it throws wake-ups away, and answers come late.`,
            'redis-cli config set maxmemory-policy noeviction, and the same in redis.conf.',
          ),
    );
  }
  if (appendOnly !== undefined) {
    found.push(
      appendOnly
        ? ok('redis disk', 'It writes what it takes to disk (append-only).')
        : warning(
            'redis disk',
            'It forgets the newest wake-ups when it restarts. No message is lost by that, but some wait for seconds.',
            'redis-cli config set appendonly yes, and the same in redis.conf.',
          ),
    );
  }
  if (maxmemory > 0 && usedMemory > NEARLY_FULL * maxmemory) {
    found.push(
      warning(
        'redis memory',
        `${Math.round((100 * usedMemory) / maxmemory)} % of its memory is used.`,
        'Give it more (maxmemory), or a Redis of its own.',
      ),
    );
  }
  return found;
}

function sayFailure(code: string): Finding {
  switch (code) {
    case 'WRONGPASS':
    case 'NOAUTH':
      return wrong(
        'redis',
        'Redis refuses the user name or password.',
        'Put user:password@ before the host in REDIS_URL; a password alone is :password@.',
      );
    case 'NOPERM':
      return wrong(
        'redis',
        'This user of Redis may not do what the queue needs.',
        'Give it all commands on keys {latchkey}*: acl setuser NAME ~{latchkey}* +@all.',
      );
    case 'no-answer':
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'ETIMEDOUT':
      return wrong(
        'redis',
        'No Redis answers at REDIS_URL.',
        'Check that it runs, its host and port, and whether it wants TLS (rediss://).',
      );
    default:
      return wrong(
        'redis',
        `Redis at REDIS_URL does not work: ${code}.`,
        'Where it is a matter of certificates: NODE_EXTRA_CA_CERTS names a file with your own authority.',
      );
  }
}
