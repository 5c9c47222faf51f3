/**
 * What Prometheus reads. No label says who: platforms, providers, states and error codes alone, all
 * of which are few.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PlatformErrorCode } from '../chat/platform.ts';
import type { MailboxObserver, TurnObserver } from '../conversation/turn-observer.ts';
import type { Health } from './health.ts';

/** What is asked for when somebody looks; undefined where the database does not say in time. */
export interface Levels {
  readonly mailbox: {
    readonly queued: number;
    readonly running: number;
    readonly oldestSeconds: number;
  };
  /** In dollars. */
  readonly house: { readonly limit: number; readonly left: number };
}

export interface MetricsOptions {
  readonly role: string;
  readonly levels: () => Promise<Levels>;
  readonly health: () => Promise<Health>;
}

export interface Metrics {
  readonly turns: TurnObserver;
  readonly mailbox: MailboxObserver;
  platformFailed(platform: string, code: PlatformErrorCode): void;
  /** In Prometheus' text format. */
  page(): Promise<{ readonly type: string; readonly text: string }>;
}

/** A scrape that the database holds up goes without what it would have said, in milliseconds. */
const PATIENCE_MS = 2_000;
/** Whoever looks again within this time sees the same levels, in milliseconds. */
const FRESH_MS = 2_000;

/** Seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300];

interface Seen {
  readonly acceptedAt: number;
  readonly platform: string;
  isSpeaking: boolean;
  funding: string;
  provider: string;
  askedAt: number;
}

/** @returns what is fed by hooks and read by {@link Metrics.page}; nothing is shared between two */
export function createMetrics({ role, levels, health }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], buckets: BUCKETS, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });

  const messages = counter(
    'latchkey_messages_total',
    'Messages for the bot that came in, by what became of them: accepted, duplicate, full (the mailbox was), moved (tried again under another user).',
    ['platform', 'result'],
  );
  const turns = counter(
    'latchkey_turns_total',
    'Turns that ended here, by state (done, failed, cancelled, expired: the user has to press Continue; put-back: waits again), who paid and whom.',
    ['state', 'platform', 'funding', 'provider'],
  );
  const waiting = histogram(
    'latchkey_turn_waiting_seconds',
    'From the acceptance of a message to the start of its turn.',
    ['platform'],
  );
  const firstText = histogram(
    'latchkey_turn_first_text_seconds',
    'From the acceptance of a message to the first word of its answer.',
    ['funding', 'provider'],
  );
  const providerFirstText = histogram(
    'latchkey_provider_first_text_seconds',
    'From asking a provider to the first word of its answer.',
    ['provider'],
  );
  const whole = histogram(
    'latchkey_turn_seconds',
    'From the acceptance of a message to the end of its turn.',
    ['state', 'funding'],
  );
  const steps = histogram(
    'latchkey_turn_step_seconds',
    'How long a step of a turn took: read, funding, context, provider, deliver.',
    ['step'],
  );
  const runningHere = gauge('latchkey_turns_running', 'Turns that this process runs.', []);
  const providerFailures = counter(
    'latchkey_provider_failures_total',
    'Calls that a provider did not answer to the end, by the code of the error; each try counts.',
    ['provider', 'funding', 'code'],
  );
  const platformFailures = counter(
    'latchkey_platform_failures_total',
    'What a platform did not do although it was asked, again and again where that helps, by the code of the error.',
    ['platform', 'code'],
  );
  const mailboxTurns = gauge(
    'latchkey_mailbox_turns',
    'Open turns of the whole installation: queued, running. The same in every process.',
    ['state'],
  );
  const oldest = gauge(
    'latchkey_mailbox_oldest_seconds',
    'How long the oldest turn that may run has waited, in the whole installation.',
    [],
  );
  const houseLimit = gauge(
    'latchkey_house_allowance_dollars',
    'What the house gives everybody together a day (HOUSE_DAILY_USD).',
    [],
  );
  const houseLeft = gauge(
    'latchkey_house_allowance_left_dollars',
    'What of that is left today (UTC), running turns at their most expensive.',
    [],
  );
  const partUp = gauge(
    'latchkey_part_up',
    'Whether a part of this process works: 1 or 0, as /readyz tells it.',
    ['part'],
  );
  const info = gauge('latchkey_info', 'What this process is.', ['role']);
  info.set({ role }, 1);

  const seen = new Map<number, Seen>();

  const turnObserver: TurnObserver = {
    async attempt({ turnId }, work) {
      runningHere.inc();
      try {
        return await work();
      } finally {
        runningHere.dec();
        seen.delete(turnId);
      }
    },

    async step({ turnId }, step, work) {
      const begun = performance.now();
      const turn = seen.get(turnId);
      if (step === 'provider' && turn !== undefined) turn.askedAt = begun;
      try {
        return await work();
      } finally {
        steps.observe({ step }, (performance.now() - begun) / 1000);
      }
    },

    tell({ turnId, attempt }, event) {
      if (event.type === 'read') {
        const ageMs = Math.max(0, event.ageMs);
        const { platform } = event;
        const acceptedAt = performance.now() - ageMs;
        seen.set(turnId, {
          acceptedAt,
          platform,
          isSpeaking: false,
          funding: 'none',
          provider: 'none',
          askedAt: 0,
        });
        if (attempt === 1) waiting.observe({ platform }, ageMs / 1000);
        return;
      }
      const turn = seen.get(turnId);
      const { platform = 'none', funding = 'none', provider = 'none' } = turn ?? {};
      const since = (begun: number) => (performance.now() - begun) / 1000;
      switch (event.type) {
        case 'paid':
          if (turn !== undefined) {
            turn.funding = event.funding;
            turn.provider = event.provider;
          }
          break;
        case 'first-text':
          if (turn !== undefined && !turn.isSpeaking) {
            turn.isSpeaking = true;
            firstText.observe({ funding, provider }, since(turn.acceptedAt));
            providerFirstText.observe({ provider }, since(turn.askedAt));
          }
          break;
        case 'provider-failed':
          providerFailures.inc({ provider: event.provider, funding, code: event.code });
          break;
        case 'ended':
          turns.inc({ state: event.state, platform, funding, provider });
          if (turn !== undefined && event.state !== 'put-back') {
            whole.observe({ state: event.state, funding }, since(turn.acceptedAt));
          }
      }
    },
  };

  let known: { readonly at: number; readonly levels: Promise<Levels | undefined> } | undefined;
  function levelsNow(): Promise<Levels | undefined> {
    const now = performance.now();
    if (known === undefined || now - known.at > FRESH_MS) {
      known = { at: now, levels: within(PATIENCE_MS, levels()) };
    }
    return known.levels;
  }

  async function look(): Promise<void> {
    const [now, { parts }] = await Promise.all([levelsNow(), health()]);
    partUp.reset();
    for (const [part, { ok }] of Object.entries(parts)) partUp.set({ part }, ok ? 1 : 0);
    for (const each of [mailboxTurns, oldest, houseLimit, houseLeft]) each.reset();
    // Nothing is better than what was true an hour ago.
    if (now === undefined) {
      for (const each of [oldest, houseLimit, houseLeft]) each.set(Number.NaN);
      return;
    }
    mailboxTurns.set({ state: 'queued' }, now.mailbox.queued);
    mailboxTurns.set({ state: 'running' }, now.mailbox.running);
    oldest.set(now.mailbox.oldestSeconds);
    houseLimit.set(now.house.limit);
    houseLeft.set(now.house.left);
  }

  let hasProcessMetrics = false;

  return {
    turns: turnObserver,
    mailbox: {
      accepted: (platform, result) => messages.inc({ platform, result }),
      cancelled: (count) =>
        turns.inc(
          { state: 'cancelled', platform: 'none', funding: 'none', provider: 'none' },
          count,
        ),
    },
    platformFailed: (platform, code) => platformFailures.inc({ platform, code }),
    async page() {
      // They watch the event loop and the collector from now on, which nobody pays for unasked.
      if (!hasProcessMetrics) {
        hasProcessMetrics = true;
        collectDefaultMetrics({ register: registry });
      }
      await look();
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** Undefined where it fails, or takes longer. */
async function within<T>(patienceMs: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([work.catch(() => undefined), silence]);
  } finally {
    clearTimeout(timer);
  }
}
