/** The HTTP server: health and metrics for the operator's tools, and the webhook for Telegram. */

import type { IncomingHttpHeaders } from 'node:http';
import Fastify, { type FastifyReply } from 'fastify';
import { StartError } from '../start-error.ts';
import { systemCodeOf } from '../system-code.ts';
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
  /** In milliseconds: for how long nothing may move on a connection; by default a minute. */
  readonly silenceMs?: number;
  /** Default: 2,000. */
  readonly maxConnections?: number;
}

export interface WebServer {
  readonly port: number;
  /** Takes no more requests; resolves when those that are under way were answered, or after 5 s. */
  close(): Promise<void>;
}

/** In milliseconds, and bytes. */
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE = 30_000;
/** For so long nothing may move on a connection: who does not read the answers is cut off. */
const SILENCE = 60_000;
const CLOSE_PATIENCE = 5000;
const MAX_HEADER_BYTES = 8192;
/**
 * More would take the memory, and the open files, that the rest needs; what is above is closed at
 * once. Telegram opens at most a hundred.
 */
const MAX_CONNECTIONS = 2000;
/** Who asks for so much begins a new connection, which may lead to another process. */
const MAX_REQUESTS_A_CONNECTION = 10_000;

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
    connectionTimeout: options.silenceMs ?? SILENCE,
    maxRequestsPerSocket: MAX_REQUESTS_A_CONNECTION,
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
  app.server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
  // Node itself would ask for every body that is announced so; the webhook does for those it wants.
  app.server.on('checkContinue', (...exchange) => app.server.emit('request', ...exchange));
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request, reply) => {
    // Answered before a body is read.
    if (request.is404) await reply.code(404).header('connection', 'close').send();
    else if (request.method !== 'POST' && hasBody(request.headers)) {
      // Node would read it to its end, however long, only to throw it away.
      await reply.code(400).header('connection', 'close').send();
    }
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

function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** 4xx where Fastify found the request itself at fault, or who sent it broke off, else 500. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error && 'code' in error && 'statusCode' in error)) return 500;
  const { code, statusCode } = error;
  const isBrokenOff = code === 'ECONNRESET';
  const isFastifys = isBrokenOff || (typeof code === 'string' && code.startsWith('FST_'));
  const isRequests = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isFastifys && isRequests ? statusCode : 500;
}

function startError(error: unknown, { port, host }: WebServerOptions): unknown {
  const code = systemCodeOf(error);
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
