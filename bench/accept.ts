/** How many updates a second become durable, as they come by webhook: measured, and counted afterwards. */

import { once } from 'node:events';
import { connect } from 'node:net';
import postgres from 'postgres';
import { freePort } from '../src/db/embedded/free-port.ts';
import { startLatchkeyOn } from './bots.ts';
import { descendantsOf, processorTime, type Running } from './processes.ts';
import type { ProviderStandIn } from './provider.ts';
import type { Goal, Result } from './report.ts';
import { openStage } from './stage.ts';
import { type Spread, spreadOf } from './stats.ts';
import { openStorage, type Storage } from './storage.ts';
import { lines, milliseconds, spread, verdictOn } from './table.ts';
import { messageOf, WEBHOOK_CONNECTIONS } from './telegram.ts';
import { openWebhook, type WebhookTarget } from './webhook.ts';

/** Who writes: each in their direct chat and, every fourth time, in one of the groups. */
const USERS = 1_000;
const GROUPS = 100;
const FIRST_USER = 5_000_000;
const FIRST_GROUP = -1_002_000_000_000;
/** Of messages and updates. */
const FIRST_MESSAGE = 700_000_000;
/** Telegram sends one of so many again, while the first is under way or just after. */
const DOUBLED = 50;
/** Updates a second. */
const GOAL = 1_000;

export interface AcceptFigures {
  readonly perSecond: number;
  readonly updates: number;
  /** From posting an update to its 200, in milliseconds. */
  readonly waits: Spread;
  /** Milliseconds of processor time an update: the bot's, and PostgreSQL's and Redis' beside it. */
  readonly processorMs: { readonly bot: number; readonly beside: number };
  /** Updates answered with 200 of which there is no turn; and turns above one an update. */
  readonly lost: number;
  readonly doubled: number;
}

/** Takes in alone: nobody works on the turns, so that nothing else has a share in what is measured. */
export async function measureAccept({
  updates,
  profileDir,
}: {
  readonly updates: number;
  readonly profileDir?: string | undefined;
}): Promise<AcceptFigures> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const storage = await openStorage('redis');
    closers.push(storage.close);
    const stage = await openStage();
    closers.push(stage.close);
    const intake = await startIntake(storage, stage, profileDir);
    closers.push(() => intake.stop());
    const acceptance = await openAcceptance(storage, intake);
    closers.push(acceptance.close);
    await answerEverybody(storage);
    return await acceptance.measure(updates);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** As if workers had answered whatever waits: nobody is woken yet, and nothing is open. */
async function answerEverybody({ databaseUrl = '', redisUrl = '' }: Storage): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  await sql`update turns set status = 'done', finished_at = now() where status = 'queued'`;
  await sql`update mailbox set open = 0`;
  await sql.end();
  const { hostname, port } = new URL(redisUrl);
  const redis = connect({ host: hostname, port: Number(port) });
  redis.end('FLUSHALL\r\nQUIT\r\n').resume();
  await once(redis, 'close');
}

export interface Intake extends Running {
  readonly webhook: WebhookTarget;
  /** Milliseconds from its spawning to its being ready. */
  readonly startMs: number;
}

/** A bot alone, without a worker, that Telegram reaches by webhook. */
export async function startIntake(
  storage: Storage,
  {
    platform,
    provider,
  }: { readonly platform: Readonly<Record<string, string>>; readonly provider: ProviderStandIn },
  profileDir?: string,
): Promise<Intake> {
  const port = await freePort();
  const webhook = { port, path: '/telegram', secret: 'bench-secret' };
  const begun = performance.now();
  const bot = await startLatchkeyOn(storage, {
    platform,
    provider,
    profileDir,
    settings: {
      ROLE: 'bot',
      HTTP_PORT: String(port),
      TELEGRAM_WEBHOOK_URL: `http://127.0.0.1:${port}${webhook.path}`,
      TELEGRAM_WEBHOOK_SECRET: webhook.secret,
    },
  });
  return { ...bot, webhook, startMs: performance.now() - begun };
}

export interface Acceptance {
  /** Posts so many updates of people who are known, and counts what became of them. */
  measure(updates: number): Promise<AcceptFigures>;
  close(): Promise<void>;
}

/** Makes everybody known first. */
export async function openAcceptance(
  { databaseUrl = '' }: Storage,
  { pid, webhook }: Pick<Intake, 'pid' | 'webhook'>,
): Promise<Acceptance> {
  const crowd = await openCrowd(webhook);
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const count = async () => {
    const [row] = await sql<{ turns: number; messages: number }[]>`
      select count(*)::int as turns, count(distinct (chat_id, reply_to))::int as messages
      from turns where status = 'queued'`;
    return row ?? { turns: Number.NaN, messages: Number.NaN };
  };
  await crowd.meet();
  return {
    async measure(updates) {
      const before = await count();
      const beside = (await descendantsOf(process.pid)).filter((one) => one !== pid);
      const times = async () => [await processorTime(pid), await timeOf(beside)] as const;
      const timesBefore = await times();
      const { waits, seconds } = await crowd.write(updates);
      const timesAfter = await times();
      const after = await count();
      const messages = after.messages - before.messages;
      return {
        perSecond: updates / seconds,
        updates,
        waits: spreadOf(waits),
        processorMs: {
          bot: ((timesAfter[0] - timesBefore[0]) * 1_000) / updates,
          beside: ((timesAfter[1] - timesBefore[1]) * 1_000) / updates,
        },
        lost: updates - messages,
        doubled: after.turns - before.turns - messages,
      };
    },
    async close() {
      crowd.close();
      await sql.end();
    },
  };
}

interface Crowd {
  /** Everybody writes once in both places: makes users, chats and data keys. */
  meet(): Promise<void>;
  /** @returns the milliseconds that each waited for its 200 */
  write(updates: number): Promise<{ readonly waits: readonly number[]; readonly seconds: number }>;
  close(): void;
}

async function openCrowd(target: WebhookTarget): Promise<Crowd> {
  const webhook = await openWebhook(target, WEBHOOK_CONNECTIONS);
  let last = FIRST_MESSAGE;
  const update = (n: number, inGroup: boolean) => {
    last += 1;
    const userId = FIRST_USER + (n % USERS);
    const place = inGroup ? { groupId: FIRST_GROUP - (n % GROUPS) } : {};
    const text = `Question #${last}: how do I read a file line by line?`;
    return {
      update_id: last,
      message: messageOf({ userId, ...place, messageId: last, text }),
    };
  };
  const post = async (one: object) => {
    const begun = performance.now();
    const status = await webhook.post(one);
    if (status !== 200) throw new Error(`an update was answered with ${status}`);
    return performance.now() - begun;
  };
  /** As many at once as there are connections; `performance.now` begins when one is free. */
  async function postAll(all: readonly object[]): Promise<readonly number[]> {
    const waits: number[] = [];
    let next = 0;
    const lives = Array.from({ length: WEBHOOK_CONNECTIONS }, async () => {
      for (let one = all[next++]; one !== undefined; one = all[next++]) waits.push(await post(one));
    });
    await Promise.all(lives);
    return waits;
  }
  return {
    async meet() {
      const everybody = Array.from({ length: USERS }, (_, n) => n);
      await postAll(everybody.map((n) => update(n, false)));
      await postAll(everybody.map((n) => update(n, true)));
    },
    async write(updates) {
      const all = Array.from({ length: updates }, (_, n) => update(n, n % 4 === 3));
      const sent = all.flatMap((one, n) => (n % DOUBLED === 0 ? [one, one] : [one]));
      const begun = performance.now();
      const waits = await postAll(sent);
      return { waits, seconds: (performance.now() - begun) / 1_000 };
    },
    close: () => webhook.close(),
  };
}

async function timeOf(pids: readonly number[]): Promise<number> {
  const times = await Promise.all(pids.map((pid) => processorTime(pid).catch(() => 0)));
  return times.reduce((sum, time) => sum + time, 0);
}

export function acceptResult(figures: AcceptFigures): Result {
  const { perSecond, updates, waits, processorMs, lost, doubled } = figures;
  const verdict = verdictOn(perSecond >= GOAL);
  const rate: Goal = [
    'Updates a second made durable, Redis',
    `${perSecond.toFixed(0)} (at least ${GOAL.toLocaleString('en')}: ${verdict})`,
  ];
  const section = [
    '### Accepting',
    '',
    `A bot alone (\`ROLE=bot\`, Redis and PostgreSQL), ${updates.toLocaleString('en')} updates by webhook from ${USERS.toLocaleString('en')} known users in their direct chats and ${GROUPS} groups, ${WEBHOOK_CONNECTIONS} requests in flight; one of ${DOUBLED} comes twice. Nobody answers meanwhile: the first update of each user wakes a worker, the others wait behind it.`,
    '',
    ...lines(
      ['', 'Latchkey, Redis'],
      [
        ['Updates a second made durable', perSecond.toFixed(0)],
        ['From posting to 200', spread(waits)],
        [
          'Processor time an update, the bot / databases beside it',
          `${milliseconds(processorMs.bot)} / ${milliseconds(processorMs.beside)}`,
        ],
        ['Lost, doubled', `${lost}, ${doubled}`],
      ],
    ),
  ].join('\n');
  return { goals: [rate], section };
}
