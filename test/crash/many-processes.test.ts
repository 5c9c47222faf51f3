/** What holds when Latchkey is many processes: rolling restarts, starts at once, several webhooks. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { whatDoesNotOnlyAdd } from '../db/additive.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { createWorld } from '../support/latchkey.ts';
import { addMigration, copyMigrations } from '../support/later-migration.ts';
import { startProcess } from '../support/process.ts';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { httpPortOf, startWebhookBalancer } from '../support/webhook-balancer.ts';
import { createTown, INTERRUPTED, type Town } from './town.ts';

test('workers that are restarted in turn under load lose nothing, double nothing and interrupt nobody', async () => {
  const backend = hasRedis() ? 'redis' : 'postgres';
  const place = await createTown({ backend, people: 12 });
  onTestFinished(() => place.close());
  place.behave = () => ({ chunkDelayMs: 20 });
  await place.start({ env: { ROLE: 'bot' } });
  // A worker at a time: no machine has more to start than one while the others answer.
  let workers = await Promise.all([
    place.start({ env: { ROLE: 'worker' } }),
    place.start({ env: { ROLE: 'worker' } }),
  ]);
  place.askAll(1, 2, 3);
  for (const round of [1, 2]) {
    const [old, other] = workers;
    const before = place.answered();
    // More waits than is answered when the worker is told to go.
    place.askAll(3 + round);
    await waitFor(() => place.answered() > before, { timeoutMs: 20_000 });
    old.signal('SIGTERM');
    expect(await old.ended(), `restart ${round}`).toBe(0);
    workers = [other, await place.start({ env: { ROLE: 'worker' } })];
  }
  await place.settled(60_000);
  place.expectOneReplyEach();
  place.expectOrder();
  expect(place.answered()).toBe(60);
  expect([...place.replies().values()].flat().filter((text) => INTERRUPTED.test(text))).toEqual([]);
  expect([...place.asked.values()].filter((times) => times > 1)).toEqual([]);
  await place.expectBooksClosed();
}, 180_000);

test('four processes that start at once on an empty database make its tables once, and all of them serve', async () => {
  const world = await createWorld();
  const database = await createEmptyDatabase();
  onTestFinished(() => database.close());
  onTestFinished(() => world.close());
  const hook = `http://127.0.0.1:${await freePort()}/hook`;
  const started = await Promise.all(
    [1, 2, 3, 4].map(() =>
      startProcess({
        env: {
          ...world.env,
          DATABASE_URL: database.url.reveal(),
          ROLE: 'bot',
          TELEGRAM_WEBHOOK_URL: hook,
          TELEGRAM_WEBHOOK_SECRET: 'only-for-this-test',
        },
      }),
    ),
  );
  for (const each of started) onTestFinished(() => each.kill());
  const makers = started.filter((each) => each.output().includes('Creating the tables'));
  expect(makers).toHaveLength(1);
  const [row] = await database.db.execute<{ twice: number; rings: number }>(
    sql`select (select count(*) - count(distinct hash) from drizzle.__drizzle_migrations)::int as twice,
               (select count(*) from installation where name = 'key-ring')::int as rings`,
  );
  expect(row).toEqual({ twice: 0, rings: 1 });
}, 90_000);

test('an older process goes on while a newer version brings the tables up, and after; started again, it refuses', async () => {
  const place = await createTown({ people: 8 });
  onTestFinished(() => place.close());
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-later-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const later = `
    alter table turns add column added_later text;
    alter table turns add column counted_later integer default 0 not null;
    create table made_later (id bigint primary key, turn_id bigint references turns (id));
    create index turns_later on turns (added_later);`;
  expect(whatDoesNotOnlyAdd(later)).toEqual([]);
  await copyMigrations(folder);
  await addMigration(folder, later);
  place.behave = () => ({ chunkDelayMs: 20 });
  const old = await place.start();
  const load = startAsking(place);
  onTestFinished(() => void load.stop());
  await waitFor(() => place.answered() > 4, { timeoutMs: 20_000 });
  const steps: string[] = [];
  const { url } = place.world.database;
  await migrateDatabase({ url, folder, onStep: (step) => steps.push(step) });
  expect(steps).toEqual(['Updating the tables…']);
  const before = place.answered();
  await waitFor(() => place.answered() > before + 12, { timeoutMs: 20_000 });
  const asked = await load.stop();
  await place.settled(60_000);
  place.expectOneReplyEach();
  place.expectOrder();
  expect(place.answered()).toBe(asked);
  await place.expectBooksClosed();
  const ready = await fetch(`http://127.0.0.1:${httpPortOf(old)}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toMatchObject({ status: 200 });
  old.signal('SIGTERM');
  expect(await old.ended()).toBe(0);
  await expect(place.start()).rejects.toThrow(/made by a newer Latchkey/);
}, 90_000);

describe('several bots behind one webhook', () => {
  test('updates that come out of order, twice, and to different bots end once and in the platform’s order', async () => {
    const place = await createTown({ people: 3 });
    onTestFinished(() => place.close());
    const balancer = await startWebhookBalancer();
    onTestFinished(() => balancer.close());
    const { env, held } = balancer;
    const bots = [await place.start({ env }), await place.start({ env })];
    const ports = bots.map(httpPortOf);
    place.askAll(1, 2, 3, 4);
    await waitFor(() => held.length === 12);

    for (const [index, update] of held.toReversed().entries()) {
      expect(await balancer.hand(update, ports[index % 2] ?? 0)).toBe(200);
    }
    const again = held.flatMap((update) => ports.map((port) => balancer.hand(update, port)));
    expect(new Set(await Promise.all(again))).toEqual(new Set([200]));

    await place.start({ env: { ROLE: 'worker' } });
    await place.settled(40_000);
    place.expectOneReplyEach();
    place.expectOrder();
    expect(place.answered()).toBe(12);
    expect([...place.asked.values()].every((times) => times === 1)).toBe(true);
    await place.expectBooksClosed();
  }, 90_000);

  test('two bots and two workers that are replaced one after another under load lose nothing and double nothing', async () => {
    const place = await createTown({ backend: hasRedis() ? 'redis' : 'postgres', people: 12 });
    onTestFinished(() => place.close());
    place.behave = () => ({ chunkDelayMs: 30 });
    const balancer = await startWebhookBalancer();
    onTestFinished(() => balancer.close());
    const asBot = { env: balancer.env };
    const asWorker = { env: { ROLE: 'worker' } };
    const bots = [await place.start(asBot), await place.start(asBot)];
    const workers = await Promise.all([place.start(asWorker), place.start(asWorker)]);
    balancer.passOnTo(() => bots);
    const load = startAsking(place);
    onTestFinished(() => void load.stop());
    for (const [group, options] of [
      [workers, asWorker],
      [bots, asBot],
      [workers, asWorker],
      [bots, asBot],
    ] as const) {
      const old = group.shift();
      const before = place.answered();
      await waitFor(() => place.answered() > before, { timeoutMs: 20_000 });
      old?.signal('SIGTERM');
      expect(await old?.ended()).toBe(0);
      group.push(await place.start(options));
    }
    const asked = await load.stop();
    await place.settled(60_000);
    place.expectOneReplyEach();
    place.expectOrder();
    expect(place.answered()).toBe(asked);
    expect([...place.asked.values()].filter((times) => times > 1)).toEqual([]);
    expect(telegramCalls(place, 'deleteWebhook')).toBe(0);
    await place.expectBooksClosed();
  }, 180_000);
});

/** Somebody writes every now and then. @returns how many questions there were, from `stop` */
function startAsking(place: Town) {
  let isStopped = false;
  let asked = 0;
  const running = (async () => {
    while (!isStopped) {
      const person = place.people[asked % place.people.length] ?? place.first;
      place.ask(person, Math.floor(asked / place.people.length) + 1);
      asked += 1;
      await sleep(60);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await running;
      return asked;
    },
  };
}

function telegramCalls({ world }: Town, method: string): number {
  return world.telegram.callsOf(method).length;
}
