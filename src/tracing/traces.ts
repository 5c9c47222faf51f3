/**
 * Traces by OpenTelemetry: one span a turn, with its steps below, under the spans of the queue.
 * Loaded only where an exporter is set: nobody else pays for the libraries.
 */

import { context, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { BullMQOtel } from 'bullmq-otel';
import type { TurnObserver } from '../conversation/turn-observer.ts';
import type { Secret } from '../secret.ts';
import { cleanSpan, isWorthKeeping } from './clean-spans.ts';

export interface TracesOptions {
  /** OTLP over HTTP; traces go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** `name=value,name=value`, values percent-encoded, as OpenTelemetry writes them. */
  readonly headers: Secret | undefined;
  readonly serviceName: string;
  readonly role: string;
  readonly instanceId: string;
  /** Hears when spans could not be sent: they are lost. At most once a minute. */
  readonly onProblem: (error: unknown) => void;
  /** How long spans are gathered before they are sent, in milliseconds; default 5,000. */
  readonly delayMs?: number;
}

export interface Traces {
  readonly turns: TurnObserver;
  readonly queue: BullMQOtel;
  /** Sends what is left, for up to five seconds. */
  close(): Promise<void>;
}

const COMPLAIN_EVERY_MS = 60_000;
const CLOSE_PATIENCE_MS = 5_000;

export function startTraces(options: TracesOptions): Traces {
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    headers: parseHeaders(options.headers?.reveal() ?? ''),
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.serviceName,
      'service.instance.id': options.instanceId,
      'latchkey.role': options.role,
    }),
    spanProcessors: [
      new BatchSpanProcessor(cleaning(exporter, options.onProblem), {
        scheduledDelayMillis: options.delayMs ?? 5_000,
        exportTimeoutMillis: CLOSE_PATIENCE_MS,
      }),
    ],
  });
  // The libraries of the queue find it by the global API alone.
  provider.register();
  return {
    turns: turnSpans(),
    queue: new BullMQOtel({ tracerName: 'latchkey-queue' }),
    async close() {
      try {
        await provider.shutdown();
      } finally {
        trace.disable();
        context.disable();
        propagation.disable();
      }
    },
  };
}

function turnSpans(): TurnObserver {
  const tracer = trace.getTracer('latchkey');
  const open = new Map<number, Span>();

  async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
    try {
      return await context.with(trace.setSpan(context.active(), span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      // Its class alone: messages may repeat what somebody wrote.
      span.setAttribute('latchkey.error', error instanceof Error ? error.name : typeof error);
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    async attempt({ turnId, attempt }, work) {
      const span = tracer.startSpan('turn', {
        attributes: { 'latchkey.turn.id': turnId, 'latchkey.turn.attempt': attempt },
      });
      open.set(turnId, span);
      try {
        return await within(span, work);
      } finally {
        if (open.get(turnId) === span) open.delete(turnId);
      }
    },

    step: ({ turnId }, step, work) =>
      within(tracer.startSpan(step, { attributes: { 'latchkey.turn.id': turnId } }), work),

    tell({ turnId }, event) {
      const span = open.get(turnId);
      switch (event.type) {
        case 'read':
          span?.setAttribute('latchkey.platform', event.platform);
          break;
        case 'paid':
          span?.setAttribute('latchkey.funding', event.funding);
          span?.setAttribute('latchkey.provider', event.provider);
          break;
        case 'first-text':
          span?.addEvent('first text');
          break;
        case 'provider-failed':
          span?.setAttribute('latchkey.provider.failure', event.code);
          break;
        case 'ended':
          span?.setAttribute('latchkey.turn.state', event.state);
          if (event.state === 'failed') span?.setStatus({ code: SpanStatusCode.ERROR });
      }
    },
  };
}

function cleaning(inner: SpanExporter, onProblem: (error: unknown) => void): SpanExporter {
  let complained = Number.NEGATIVE_INFINITY;
  return {
    export(spans, done) {
      inner.export(spans.filter(isWorthKeeping).map(cleanSpan), (result) => {
        const now = performance.now();
        if (result.code !== 0 && now - complained > COMPLAIN_EVERY_MS) {
          complained = now;
          onProblem(result.error ?? new Error('the collector does not take traces'));
        }
        done(result);
      });
    },
    shutdown: () => inner.shutdown(),
    forceFlush: async () => inner.forceFlush?.(),
  };
}

function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .map((pair) => pair.trim())
      .filter((pair) => pair !== '')
      .map((pair) => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals), decode(pair.slice(equals + 1))];
      }),
  );
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
