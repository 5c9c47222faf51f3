import { Cluster, Redis } from 'ioredis';
import type { RedisAddress } from './redis-address.ts';

/** Connects, and again whenever that breaks. What is sent meanwhile waits, as BullMQ needs it. */
export function connectRedis(address: RedisAddress): Redis | Cluster {
  const options = {
    maxRetriesPerRequest: null,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: {} } : {}),
  };
  switch (address.kind) {
    case 'cluster':
      return new Cluster(
        address.nodes.map(({ host, port }) => ({ host, port })),
        {
          redisOptions: options,
          // Names in certificates are names of hosts: they are looked up by the connection itself.
          dnsLookup: (host, callback) => callback(null, host),
        },
      );
    case 'sentinel':
      return new Redis({
        ...options,
        sentinels: address.nodes.map(({ host, port }) => ({ host, port })),
        name: address.name,
        // One login for both: Sentinels without a password take any.
        ...(address.password === undefined ? {} : { sentinelPassword: address.password }),
        ...(address.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
      });
    case 'server': {
      const [node] = address.nodes;
      return new Redis({ ...options, ...node, db: address.database });
    }
  }
}
