/** What it takes to decide who pays for a turn and to set its money aside, with few and with many past turns. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database } from '../src/db/client.ts';
import { sql } from '../src/db/drizzle.ts';
import { openDatabase } from '../src/db/open.ts';
import { createAllowance } from '../src/funding/allowance.ts';
import { createHouseBreaker } from '../src/funding/house-breaker.ts';
import { createHouseFunding } from '../src/funding/house-funding.ts';
import { createLedger } from '../src/funding/ledger.ts';
import { createOwnFunding } from '../src/funding/own-funding.ts';
import { createOwnLimit } from '../src/funding/own-limit.ts';
import { createPayers } from '../src/funding/payers.ts';
import { defaultPlans } from '../src/funding/plans-file.ts';
import { createApiKeys } from '../src/keys/api-keys.ts';
import { createAudit } from '../src/keys/audit.ts';
import { createLocalKeyRing } from '../src/keys/local-key-ring.ts';
import { createVault } from '../src/keys/vault.ts';
import { Secret } from '../src/secret.ts';
import { type Spread, spreadOf } from './stats.ts';

const PAST_TURNS = [1_000, 1_000_000] as const;
const USERS = 1_000;
/** Milliseconds, median. */
const TARGET_MS = 5;

export interface LedgerFigures {
  readonly pastTurns: number;
  readonly spread: Spread;
}

export async function measureLedger({
  samples,
}: {
  readonly samples: number;
}): Promise<readonly LedgerFigures[]> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-bench-'));
    closers.push(() => rm(dataDir, { recursive: true, force: true }));
    const { connection } = await openDatabase({
      database: { kind: 'embedded', dataDir },
      maxConnections: 4,
      onStep: () => {},
      onLost: (error) => {
        throw error;
      },
      onClose: (close) => closers.push(close),
    });
    const { db } = connection;
    await db.execute(sql`insert into users select from generate_series(1, ${USERS}::int)`);
    const figures: LedgerFigures[] = [];
    let there = 0;
    for (const pastTurns of PAST_TURNS) {
      await addPast(db, there, pastTurns);
      there = pastTurns + samples * 2;
      figures.push({ pastTurns, spread: await measureIn(db, samples) });
    }
    return figures;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Answered turns with their settled reservations, spread over users and the last month. */
async function addPast(db: Database, from: number, to: number): Promise<void> {
  await db.execute(sql`
    with past as (
      insert into turns (user_id, conversation, seq, status, attempt, sent_at, sent_order,
                         platform_user_id, reply_to, row_key, input, funding, provider, model,
                         cost_micros, answered_at, finished_at)
      select n % ${USERS}::int + 1, 1, n, 'done', 1, at, n, '', '', '', '', 'house', 'openai', 'm',
             100, at, at
      from generate_series(${from + 1}::int, ${to}::int) n,
           lateral (select now() - n % 2592000 * interval '1 second' as at) moment
      returning id, user_id, finished_at
    )
    insert into reservations (turn_id, attempt, user_id, funding, provider, model, amount_micros,
                              tokens, at, settled_at, settled_micros, answered)
    select id, 1, user_id, 'house', 'openai', 'm', 500, 900, finished_at, finished_at, 100, true
    from past`);
  await db.execute(sql`
    insert into budgets (holder_kind, holder_id, user_id, period, starts, turns, spent_micros)
    select 'user', id::text, id, 'day', day, 5, 500
    from users, generate_series(date_trunc('day', now()) - interval '30 days',
                                date_trunc('day', now()) - interval '1 day', interval '1 day') day
    on conflict do nothing`);
  await db.execute(sql`analyze turns, reservations, budgets`);
}

async function measureIn(db: Database, samples: number): Promise<Spread> {
  const key = () => Uint8Array.from(randomBytes(32));
  const ring = await createLocalKeyRing({
    active: 'bench',
    keys: new Map([['bench', key()]]),
    fingerprintKey: key(),
    auditKey: key(),
  });
  const vault = createVault({ db, ring });
  const apiKeys = createApiKeys({
    db,
    vault,
    audit: createAudit({ db, ring }),
    providers: () => ({ checkKey: async () => ({ result: 'valid' }) }),
  });
  const house = { provider: 'openai' as const, model: 'm', apiKey: new Secret('none') };
  const plans = defaultPlans({ turnsPerDay: 1e6, microsPerDay: 1e12 });
  const payers = createPayers({
    db,
    sources: [
      createOwnFunding({ db, apiKeys, ownLimit: createOwnLimit({ db }) }),
      createHouseFunding({
        house,
        breaker: createHouseBreaker(),
        pause: { isPaused: false },
        watch: { look: async () => {}, refused: async () => {} },
        chatDayMicros: null,
        allowance: createAllowance({ db, house, plans, houseMicrosPerDay: 1e14 }),
        tellOperator: () => {},
      }),
    ],
  });
  const ledger = createLedger({ db });
  const times: number[] = [];
  const warmup = Math.ceil(samples / 10);
  for (let n = -warmup; n < samples; n += 1) {
    const userId = ((n + warmup) % USERS) + 1;
    const [turn] = await db.execute<{ id: number }>(sql`
      insert into turns (user_id, conversation, seq, status, attempt, sent_at, sent_order,
                         platform_user_id, reply_to, row_key, input)
      values (${userId}, 1, (select max(seq) + 1 from turns where user_id = ${userId}), 'running', 1,
              now(), 1, '', '', '', '')
      returning id`);
    const turnId = turn?.id ?? 0;
    const begun = performance.now();
    const paid = await payers.pay({ userId, order: 'own-first', choice: null }, async (funding) => {
      const reserved = await ledger.reserve({
        turnId,
        attempt: 1,
        userId,
        payer: funding,
        inputTokens: 400,
        maxOutputTokens: 4_096,
        cost: { inputMicros: 500, outputMicrosPerMillion: 2_000_000 },
        caps: funding.caps,
      });
      return reserved.ok ? { value: reserved.amountMicros } : { refused: 'internal' };
    });
    if (n >= 0) times.push(performance.now() - begun);
    if (!paid.paid) throw new Error('nobody pays');
    await db.execute(
      sql`update turns set status = 'done', finished_at = now() where id = ${turnId}`,
    );
  }
  return spreadOf(times);
}

export function ledgerReport(figures: readonly LedgerFigures[]): string {
  const rows = figures.map(({ pastTurns, spread: { median, p99, count } }) => [
    `${pastTurns.toLocaleString('en')} past turns, ${count} times`,
    `${median.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (at most ${TARGET_MS} ms: ${median <= TARGET_MS ? 'reached' : '**not reached**'})`,
  ]);
  return [
    '### Deciding who pays, and reserving',
    '',
    `Two statements on PostgreSQL for a turn that the house pays, each of another of ${USERS.toLocaleString('en')} users. A user's first turn of a day, whose window is new, takes two statements more.`,
    '',
    '|  |  |',
    '| --- | ---: |',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}
