import { z } from 'zod';
import { conflict } from './api-error.ts';
import type { MethodTable } from './method.ts';
import type { Params } from './params.ts';
import type { UpdateQueue } from './updates.ts';
import { checkWebhook, WebhookDelivery, type WebhookSettings } from './webhook.ts';

/** Where updates go: to who polls, or to the webhook. */
export interface UpdatesOptions {
  readonly queue: UpdateQueue;
  readonly now: () => number;
  readonly webhookRetryMs: number;
}

/** In seconds; a longer wait is shortened. */
const LONGEST_POLL = 50;

export function updateMethods({ queue, now, webhookRetryMs }: UpdatesOptions): {
  readonly methods: MethodTable;
  readonly close: () => void;
} {
  let webhook: WebhookDelivery | undefined;
  queue.onPush = () => webhook?.pump();

  const allow = (params: Params) => {
    queue.allow(params.json('allowed_updates', z.array(z.string()), 'allowed updates'));
  };
  const stopWebhook = (params: Params) => {
    webhook?.close();
    webhook = undefined;
    if (params.flag('drop_pending_updates')) queue.clear();
  };

  const methods: MethodTable = {
    getUpdates: ({ params, signal }) => {
      if (webhook !== undefined) {
        throw conflict(
          "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        );
      }
      allow(params);
      const limit = params.text('limit') === '' ? 100 : params.integer('limit');
      const request = {
        offset: params.integer('offset'),
        limit: Math.min(100, Math.max(1, limit)),
        timeout: Math.min(LONGEST_POLL, params.integer('timeout')),
      };
      return queue.poll(request, signal);
    },

    setWebhook: ({ params }) => {
      const url = params.text('url');
      if (url === '') {
        stopWebhook(params);
        return true;
      }
      const connections =
        params.text('max_connections') === '' ? 40 : params.integer('max_connections');
      const settings: WebhookSettings = {
        url,
        secretToken: params.text('secret_token'),
        maxConnections: Math.min(100, Math.max(1, connections)),
      };
      checkWebhook(settings);
      stopWebhook(params);
      allow(params);
      queue.interrupt('terminated by setWebhook request');
      webhook = new WebhookDelivery({ settings, queue, retryMs: webhookRetryMs, now });
      webhook.pump();
      return true;
    },

    deleteWebhook: ({ params }) => {
      stopWebhook(params);
      return true;
    },

    getWebhookInfo: () => ({
      url: '',
      ...webhook?.info(),
      has_custom_certificate: false,
      pending_update_count: queue.pending.length,
      ...(queue.allowed.length === 0 ? {} : { allowed_updates: queue.allowed }),
    }),
  };
  return { methods, close: () => webhook?.close() };
}
