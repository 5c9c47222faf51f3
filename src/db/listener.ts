import type { Session } from './session.ts';

/** How often the connection is tried, in milliseconds: what comes in seldom is missed by nobody. */
const TRY_EVERY_MS = 30_000;
/** How long after a failure it is opened again, in milliseconds. */
const RETRY_MS = 500;

export interface Listener {
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

type Handlers = Map<string, Set<(payload: string) => void>>;

/**
 * Hears NOTIFY over one session of its own, opened at the first `listen`, and again whenever it is
 * lost. LISTEN belongs to a session: it needs the server itself, no pooler in transaction mode.
 */
export function createListener(
  open: (onNotify: (channel: string, payload: string) => void) => Promise<Session>,
): Listener {
  const handlers: Handlers = new Map();
  let session: Promise<Session> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const connect = async (): Promise<Session> => {
    const opened = await open((channel, payload) => {
      for (const handler of handlers.get(channel) ?? []) handler(payload);
    });
    try {
      for (const channel of handlers.keys()) await opened.run(command('listen', channel));
    } catch (error) {
      opened.destroy();
      throw error;
    }
    timer = setInterval(() => void opened.run({ text: 'select 1' }).catch(() => {}), TRY_EVERY_MS);
    timer.unref();
    opened.onLost(reopen);
    return opened;
  };

  const reopen = () => {
    clearTimeout(timer);
    session = undefined;
    if (isClosed || handlers.size === 0) return;
    timer = setTimeout(() => {
      session ??= connect();
      session.catch(reopen);
    }, RETRY_MS).unref();
  };

  return {
    async listen(channel, handler) {
      const known = handlers.get(channel);
      handlers.set(channel, (known ?? new Set()).add(handler));
      const unlisten = async () => {
        const left = handlers.get(channel);
        if (left?.delete(handler) !== true || left.size > 0) return;
        handlers.delete(channel);
        const opened = await session?.catch(() => undefined);
        // On a lost one nobody listens any more.
        await opened?.run(command('unlisten', channel)).catch(() => undefined);
      };
      clearTimeout(session === undefined ? timer : undefined);
      session ??= connect();
      try {
        const opened = await session;
        if (known === undefined) await opened.run(command('listen', channel));
      } catch (error) {
        await unlisten();
        reopen();
        throw error;
      }
      return unlisten;
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const opened = await session?.catch(() => undefined);
      await opened?.close();
    },
  };
}

function command(verb: 'listen' | 'unlisten', channel: string) {
  return { text: `${verb} "${channel.replaceAll('"', '""')}"` };
}
