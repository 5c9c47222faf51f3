/** Whether the parts of the process work, as far as strangers may know. */

import type { FastifyInstance } from 'fastify';

export interface PartHealth {
  readonly ok: boolean;
  /** Public: no addresses, versions or secrets. */
  readonly detail?: string;
}

export interface Health {
  readonly ok: boolean;
  /** By name: `database`, `queue` … */
  readonly parts: Readonly<Record<string, PartHealth>>;
}

/** In milliseconds: a part that takes longer to tell how it is does not work. */
const PATIENCE = 5000;
const SILENT: Health = { ok: false, parts: {} };

/** `GET /healthz`: the process lives. `GET /readyz`: its parts work (200), or some do not (503). */
export function addHealthRoutes(app: FastifyInstance, health: () => Promise<Health>): void {
  let asking: Promise<Health> | undefined;

  /** Asks once for all who want to know meanwhile: the pages are open to everybody. */
  function ask(): Promise<Health> {
    asking ??= withPatience(health).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    return { ok: true };
  });

  app.get('/readyz', async (_request, reply) => {
    const { ok, parts } = await ask();
    const ready = ok && Object.values(parts).every((part) => part.ok);
    reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
    return { ok: ready, parts };
  });
}

async function withPatience(health: () => Promise<Health>): Promise<Health> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Health>((resolve) => {
    timer = setTimeout(() => resolve(SILENT), PATIENCE);
  });
  try {
    return await Promise.race([health(), silence]);
  } catch {
    return SILENT;
  } finally {
    clearTimeout(timer);
  }
}
