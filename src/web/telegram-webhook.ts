/** Where Telegram posts its updates, when a webhook is configured. */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Secret } from '../secret.ts';

export interface TelegramWebhook {
  /** The path of TELEGRAM_WEBHOOK_URL, as Telegram requests it. */
  readonly path: string;
  /** Where it is given, requests without it are refused before their body is read. */
  readonly secret?: Secret;
  /**
   * Takes in one update. When it throws, the answer is 500 and Telegram sends the update again.
   * @param body the parsed JSON
   * @param secretHeader `X-Telegram-Bot-Api-Secret-Token`, empty where there is none
   */
  handle(body: unknown, secretHeader: string): Promise<{ readonly status: number }>;
}

/** In bytes. Telegram's updates have some kilobytes. */
const BODY_LIMIT = 1024 * 1024;

export function addTelegramWebhook(app: FastifyInstance, webhook: TelegramWebhook): void {
  // One route for all paths, compared here: a router would read ':' and '*' in the path as patterns.
  app.post('*', {
    bodyLimit: BODY_LIMIT,
    onRequest: async (request, reply) => {
      const refusal = refuse(request, webhook);
      if (refusal === undefined) {
        if (request.headers.expect !== undefined) reply.raw.writeContinue();
        return;
      }
      // The body that may follow is of no interest.
      await reply.code(refusal).header('connection', 'close').send();
    },
    handler: async (request, reply) => {
      const { status } = await webhook.handle(request.body, secretOf(request));
      await reply.code(status).send();
    },
  });
}

function refuse(request: FastifyRequest, webhook: TelegramWebhook): number | undefined {
  if (request.originalUrl.split('?', 1)[0] !== webhook.path) return 404;
  const { secret } = webhook;
  if (secret !== undefined && !secret.is(secretOf(request))) return 401;
  return undefined;
}

function secretOf(request: FastifyRequest): string {
  const header = request.headers['x-telegram-bot-api-secret-token'];
  return typeof header === 'string' ? header : '';
}
