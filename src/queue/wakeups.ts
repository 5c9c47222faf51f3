/**
 * Wake-ups on BullMQ, one job a user: "look into this mailbox". Losing one costs a moment, never a
 * turn: the sweeper wakes whoever is overdue.
 */

import { createPostgresBackend, Queue, type QueueOptions, Worker } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { connectRedis } from './redis.ts';
import { parseRedisAddress, type RedisAddress } from './redis-address.ts';

const QUEUE_NAME = 'latchkey-mailbox';

/** A wake-up is tried for this long before it is left to the sweeper, in milliseconds. */
const WAKE_TIMEOUT_MS = 500;

/**
 * How long a worker that died holds its job, in milliseconds: less than the lease of a turn, so
 * that the wake-up of its user waits for that lease alone. A lock that is lost by mistake does no
 * harm: the second drain finds nothing to claim.
 */
const LOCK_DURATION_MS = 5_000;
const STALLED_INTERVAL_MS = 2_000;

/** BullMQ fails a job that stalled more often than this; a wake-up may stall for ever. */
const MAX_STALLED = 1_000_000;

/** BullMQ's rows of events are of no use here and are kept at a minimum. */
const MAX_EVENTS = 100;

export type WakeupBackend = {
  readonly kind: 'redis' | 'postgres';
  /** Connection string, with the password if there is one. For Redis, see `redis-address.ts`. */
  readonly url: string;
};

/** What BullMQ takes to trace jobs. */
export type QueueTelemetry = NonNullable<QueueOptions['telemetry']>;

export interface Wakeups {
  /** Resolves when the backend answers and has its schema; rejects when it does not within `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  /** Resolves when the backend answers; rejects when it does not within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  /** Asks for the user's mailbox to be looked into. Never throws, takes at most half a second. */
  wake(userId: number): Promise<void>;
  /** Begins to call `drain` for wake-ups, `concurrency` at a time. */
  work(drain: (userId: number) => Promise<void>, concurrency: number): void;
  /** Takes no further wake-ups; resolves when those under way have ended. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

interface WakeupJob {
  readonly userId: number;
}

/** The parts of BullMQ's classes that are used, the same on both backends. */
interface WakeupQueue {
  add(name: string, data: WakeupJob, options: object): Promise<unknown>;
  waitUntilReady(): Promise<unknown>;
  /** One round trip. */
  isPaused(): Promise<boolean>;
  close(): Promise<void>;
}

interface WakeupWorker {
  close(): Promise<void>;
}

export function createWakeups({
  backend,
  telemetry,
  onError,
}: {
  readonly backend: WakeupBackend;
  readonly telemetry?: QueueTelemetry | undefined;
  /** Called for errors of the connection; BullMQ goes on trying by itself. */
  readonly onError: (error: unknown) => void;
}): Wakeups {
  let isClosed = false;
  // What is closed last may see its server go first: nobody needs to hear of that.
  const connections = openConnections(backend, telemetry, (error) => {
    if (!isClosed) onError(error);
  });
  const queue: WakeupQueue = connections.queue();
  let worker: WakeupWorker | undefined;

  return {
    async ready(timeoutMs) {
      await within(queue.waitUntilReady(), timeoutMs);
    },

    async ping(timeoutMs) {
      await within(queue.isPaused(), timeoutMs);
    },

    async wake(userId) {
      // `keepLastIfActive`: added while the user's drain runs, it is kept and queued when that
      // ends; the plain mode and a fixed job id lose such wake-ups.
      const added = queue.add(
        'drain',
        { userId },
        {
          deduplication: { id: String(userId), keepLastIfActive: true },
          removeOnComplete: true,
          removeOnFail: true,
          attempts: 1,
        },
      );
      await within(added, WAKE_TIMEOUT_MS).catch(onError);
    },

    work(drain, concurrency) {
      worker = connections.worker((job) => drain(job.data.userId), concurrency);
    },

    async stop() {
      await worker?.close();
      worker = undefined;
    },

    async close() {
      isClosed = true;
      await worker?.close();
      await queue.close();
      connections.close();
    },
  };
}

interface Connections {
  queue(): WakeupQueue;
  worker(
    process: (job: { readonly data: WakeupJob }) => Promise<void>,
    concurrency: number,
  ): WakeupWorker;
  close(): void;
}

function openConnections(
  backend: WakeupBackend,
  telemetry: QueueTelemetry | undefined,
  onError: (error: unknown) => void,
): Connections {
  const traced = telemetry === undefined ? {} : { telemetry };
  const queueOptions = { streams: { events: { maxLen: MAX_EVENTS } }, ...traced };
  const workerOptions = {
    ...traced,
    lockDuration: LOCK_DURATION_MS,
    stalledInterval: STALLED_INTERVAL_MS,
    maxStalledCount: MAX_STALLED,
    runRetryDelay: 1_000,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  };

  if (backend.kind === 'redis') {
    const address = addressOf(backend.url);
    const open: (Redis | Cluster)[] = [];
    const connect = (): Redis | Cluster => {
      const redis = connectRedis(address);
      redis.on('error', onError);
      open.push(redis);
      return redis;
    };
    return {
      queue: () => {
        const queue = new Queue(QUEUE_NAME, {
          connection: connect(),
          // {}: all keys in one slot of a cluster.
          prefix: '{latchkey}',
          ...queueOptions,
        });
        queue.on('error', onError);
        return queue;
      },
      worker: (process, concurrency) => {
        const worker = new Worker(QUEUE_NAME, process, {
          connection: connect(),
          prefix: '{latchkey}',
          concurrency,
          ...workerOptions,
        });
        worker.on('error', onError);
        return worker;
      },
      close: () => {
        for (const redis of open) redis.disconnect();
      },
    };
  }

  const connection = { connectionString: backend.url, migrate: true, max: 4 };
  return {
    queue: () => {
      const queue = new Queue(QUEUE_NAME, { connection, ...queueOptions }, createPostgresBackend);
      queue.on('error', onError);
      return queue;
    },
    worker: (process, concurrency) => {
      const worker = new Worker(
        QUEUE_NAME,
        process,
        { connection: { ...connection, max: 8 }, concurrency, ...workerOptions },
        createPostgresBackend,
      );
      worker.on('error', onError);
      return worker;
    },
    close: () => {},
  };
}

function addressOf(url: string): RedisAddress {
  const address = parseRedisAddress(url);
  if (address === undefined) throw new TypeError('not an address of Redis');
  return address;
}

/** Rejects after `timeoutMs`; what was begun goes on. */
async function within<T>(begun: Promise<T>, timeoutMs: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer from the queue within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([begun, late.promise]);
  } finally {
    clearTimeout(timer);
    begun.catch(() => {});
  }
}
