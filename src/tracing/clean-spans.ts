/** What leaves in a span: names and numbers of our own choosing, never words, users or keys. */

import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';

/** All else is left out: BullMQ names a job by its user, and gives reasons in anybody's words. */
const ATTRIBUTES = new Set([
  'latchkey.turn.id',
  'latchkey.turn.attempt',
  'latchkey.turn.state',
  'latchkey.platform',
  'latchkey.funding',
  'latchkey.provider',
  'latchkey.provider.failure',
  'latchkey.error',
  'bullmq.queue.name',
  'bullmq.queue.operation',
]);

/** What of BullMQ's own is worth a span: it also makes one of every look into an empty queue. */
const OPERATIONS = new Set<unknown>(['add', 'process']);

export function isWorthKeeping({ attributes }: ReadableSpan): boolean {
  const operation = attributes['bullmq.queue.operation'];
  const isBullMqs = Object.keys(attributes).some((name) => name.startsWith('bullmq.'));
  return !isBullMqs || OPERATIONS.has(operation);
}

export function cleanSpan(span: ReadableSpan): ReadableSpan {
  const attributes = Object.fromEntries(
    Object.entries(span.attributes).filter(([name]) => ATTRIBUTES.has(name)),
  );
  // The SDK's spans answer by getters of their prototype: only what is changed stands on the copy.
  return Object.create(span, {
    attributes: { value: attributes },
    events: { value: span.events.map(({ name, time }) => ({ name, time })) },
    links: { value: span.links.map(({ context }) => ({ context })) },
    status: { value: { code: span.status.code } },
  });
}
