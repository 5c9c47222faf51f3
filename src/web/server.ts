/** The HTTP server: health and metrics for the operator's tools, and the webhook for Telegram. */

import Fastify, { type FastifyReply } from 'fastify';
import { StartError } from '../start-error.ts';
import { addHealthRoutes, type Health } from './health.ts';
import { addMetricsRoute, type MetricsPage } from './metrics-route.ts';
import { addTelegramWebhook, type TelegramWebhook } from './telegram-webhook.ts';

export interface WebServerOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host: string;
  readonly health: () => Promise<Health>;
  readonly telegramWebhook?: TelegramWebhook;
  readonly metrics?: MetricsPage;
  /** Told of what made a request fail with 500. */
  readonly onError?: (error: unknown) => void;
  /** In milliseconds: how long a request may take to arrive whole. */
  readonly requestTimeoutMs?: number;
}

export interface WebServer {
  readonly port: number;
  /** Takes no more requests; resolves when those that are under way were answered, or after 5 s. */
  close(): Promise<void>;
}

/** In milliseconds, and bytes. */
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE = 30_000;
const CLOSE_PATIENCE = 5000;
const MAX_HEADER_BYTES = 8192;

/**
 * Starts to listen.
 * @throws StartError when the address cannot be had
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT;
  const app = Fastify({
    logger: false,
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE,
    forceCloseConnections: 'idle',
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: requestTimeout,
      // How often Node looks for requests that take too long.
      connectionsCheckingInterval: Math.min(requestTimeout / 4, 1000),
    },
    frameworkErrors: (_error, _request, reply: FastifyReply) => {
      reply.code(404).header('connection', 'close').send();
    },
  });
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    // Answered before a body is read.
    if (request.is404) await reply.code(404).header('connection', 'close').send();
  });
  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error);
    if (status >= 500) options.onError?.(error);
    else reply.header('connection', 'close');
    reply.code(status).send();
  });
  addHealthRoutes(app, options.health);
  if (options.metrics) addMetricsRoute(app, options.metrics);
  if (options.telegramWebhook) addTelegramWebhook(app, options.telegramWebhook);

  try {
    await app.listen({ port: options.port, host: options.host });
  } catch (error) {
    await app.close();
    throw startError(error, options);
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP address');
  return {
    port: address.port,
    async close() {
      const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_PATIENCE);
      await app.close();
      clearTimeout(timer);
    },
  };
}

/** 4xx where Fastify found the request itself at fault, else 500. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error && 'code' in error && 'statusCode' in error)) return 500;
  const { code, statusCode } = error;
  const isFastifys = typeof code === 'string' && code.startsWith('FST_');
  const isRequests = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isFastifys && isRequests ? statusCode : 500;
}

function startError(error: unknown, { port, host }: WebServerOptions): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(
        `HTTP_PORT is ${port}, and another program already uses this port. Set HTTP_PORT to a free one.`,
      );
    case 'EACCES':
      return new StartError(
        `HTTP_PORT is ${port}, and this account may not open that port. Set HTTP_PORT to one from 1024 to 65535.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(
        `The HTTP server (HTTP_PORT ${port}) cannot listen at ${host}: this machine has no such address.`,
      );
    default:
      return error;
  }
}
