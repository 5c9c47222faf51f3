import { DatabaseError } from './errors.ts';
import { type Session, UNANSWERED } from './session.ts';

/** Sessions end at such an age, in milliseconds, so that what a backend has gathered is let go. */
const LIFE_MS = 45 * 60_000;

/** PostgreSQL's code. */
const TOO_MANY_CONNECTIONS = '53300';

export interface Pool {
  /**
   * Lends one session to `work`, alone. Waits while all are lent, in the order of asking; so too
   * where the server gives no further one.
   * @throws DatabaseError where there is none free and a new one can't be opened
   */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Waits up to `withinMs` for what is lent, then cuts it. */
  close(withinMs: number): Promise<void>;
}

/** Sessions to share: a lost one leaves at once, and makes room for a new one. */
export function createPool({
  open,
  max,
  lifeMs = LIFE_MS,
}: {
  readonly open: () => Promise<Session>;
  readonly max: number;
  readonly lifeMs?: number;
}): Pool {
  /** Opening, or open and not lost: never more than `max`. */
  let size = 0;
  const idle: Session[] = [];
  const lent = new Set<Session>();
  const endsAt = new WeakMap<Session, number>();
  const queue: PromiseWithResolvers<Session>[] = [];
  let whenEmpty: (() => void) | undefined;
  let isClosed = false;

  const openFor = (asker: PromiseWithResolvers<Session>) => {
    size++;
    open().then(
      (session) => {
        // Not all at once, after a server's restart.
        endsAt.set(session, performance.now() + lifeMs * (0.75 + Math.random() / 2));
        // Who was lent it may go on for a while, and even ask for another one meanwhile.
        session.onLost(({ code }) => {
          const at = idle.indexOf(session);
          if (at !== -1) idle.splice(at, 1);
          makeRoom();
          // The others may be as dead, each for one more query that waits in vain.
          if (code === UNANSWERED) for (const other of [...idle]) other.destroy();
        });
        lent.add(session);
        asker.resolve(session);
      },
      (error: unknown) => {
        if (size > 1 && isServerFull(error)) {
          size--;
          const session = idle.pop();
          if (session === undefined) queue.unshift(asker);
          else {
            lent.add(session);
            asker.resolve(session);
          }
          return;
        }
        asker.reject(error);
        makeRoom();
      },
    );
  };

  const makeRoom = () => {
    size--;
    const asker = queue.shift();
    if (asker !== undefined) openFor(asker);
    else if (size === 0) whenEmpty?.();
  };

  const take = (): Promise<Session> => {
    if (isClosed) return Promise.reject(ended());
    const session = idle.pop();
    if (session !== undefined) {
      lent.add(session);
      return Promise.resolve(session);
    }
    const asker = Promise.withResolvers<Session>();
    if (size < max) openFor(asker);
    else queue.push(asker);
    return asker.promise;
  };

  const giveBack = (session: Session) => {
    lent.delete(session);
    if (session.isLost) return;
    const isSpent = performance.now() > (endsAt.get(session) ?? 0);
    if (isSpent || (isClosed && queue.length === 0)) {
      void session.close().catch(() => undefined);
      return;
    }
    const asker = queue.shift();
    if (asker === undefined) {
      idle.push(session);
    } else {
      lent.add(session);
      asker.resolve(session);
    }
  };

  return {
    async use(work) {
      const session = await take();
      try {
        return await work(session);
      } finally {
        giveBack(session);
      }
    },
    async close(withinMs) {
      if (isClosed) return;
      isClosed = true;
      const empty = new Promise<void>((resolve) => {
        whenEmpty = resolve;
      });
      const closing = idle.splice(0).map((session) => session.close().catch(() => undefined));
      if (size > 0) {
        const late = setTimeout(() => {
          for (const asker of queue.splice(0)) asker.reject(ended());
          for (const session of lent) session.destroy();
          whenEmpty?.();
        }, withinMs);
        await empty;
        clearTimeout(late);
      }
      await Promise.all(closing);
    },
  };
}

/** Other processes have all that the server gives: one of those that are open here has to do. */
const isServerFull = (error: unknown) =>
  error instanceof DatabaseError && error.code === TOO_MANY_CONNECTIONS;

const ended = () =>
  new DatabaseError({ message: 'the database was closed', code: 'CONNECTION_ENDED' });
