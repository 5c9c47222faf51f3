import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface MetricsPage {
  page(): Promise<{ readonly type: string; readonly text: string }>;
  /** Who may read it: this machine alone, or everybody who reaches the port. */
  readonly openTo: 'this-machine' | 'everybody';
}

/** What proxies add: who comes through one is from elsewhere, whatever the connection says. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via', 'cf-connecting-ip'];

/** `GET /metrics`, for Prometheus. To others it is a page that does not exist. */
export function addMetricsRoute(app: FastifyInstance, { page, openTo }: MetricsPage): void {
  app.get('/metrics', async (request, reply) => {
    if (openTo === 'this-machine' && !isFromHere(request)) return reply.code(404).send();
    const { type, text } = await page();
    return reply.header('cache-control', 'no-store').type(type).send(text);
  });
}

function isFromHere({ socket, headers }: FastifyRequest): boolean {
  if (FORWARDED.some((name) => headers[name] !== undefined)) return false;
  const address = socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
