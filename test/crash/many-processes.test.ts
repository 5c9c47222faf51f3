/** What holds when Latchkey is many processes: rolling restarts, starts at once, several webhooks. */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { freePort } from '../../src/db/embedded/free-port.ts';
import { createEmptyDatabase } from '../support/database.ts';
import { createWorld } from '../support/latchkey.ts';
import { startProcess } from '../support/process.ts';
import { hasRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait-for.ts';
import { createTown, INTERRUPTED } from './town.ts';

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
    await waitFor(() => place.answered() > before, { timeoutMs: 20_000 });
    old.signal('SIGTERM');
    expect(await old.ended(), `restart ${round}`).toBe(0);
    place.askAll(3 + round);
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

interface Update {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** What stands in front of several bots, and mixes up what it hands on. */
async function startBalancer() {
  const held: Update[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    held.push({ body, headers: request.headers });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { held, url: `http://127.0.0.1:${port}/hook` };
}

describe('several bots behind one webhook', () => {
  test('updates that come out of order, twice, and to different bots end once and in the platform’s order', async () => {
    const place = await createTown({ people: 3 });
    onTestFinished(() => place.close());
    const { held, url } = await startBalancer();
    const env = {
      ROLE: 'bot',
      TELEGRAM_WEBHOOK_URL: url,
      TELEGRAM_WEBHOOK_SECRET: 'only-for-this-test',
    };
    const bots = [await place.start({ env }), await place.start({ env })];
    const ports = bots.map((bot) => Number(/"httpPort":(\d+)/.exec(bot.output())?.[1]));
    place.askAll(1, 2, 3, 4);
    await waitFor(() => held.length === 12);

    const hand = async ({ body, headers }: Update, port: number | undefined) => {
      const name = 'x-telegram-bot-api-secret-token';
      const answer = await fetch(`http://127.0.0.1:${port}/hook`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', [name]: String(headers[name]) },
      });
      expect(answer.status).toBe(200);
    };
    for (const [index, update] of held.toReversed().entries()) {
      await hand(update, ports[index % 2]);
    }
    await Promise.all(held.flatMap((update) => ports.map((port) => hand(update, port))));

    await place.start({ env: { ROLE: 'worker' } });
    await place.settled(40_000);
    place.expectOneReplyEach();
    place.expectOrder();
    expect(place.answered()).toBe(12);
    expect([...place.asked.values()].every((times) => times === 1)).toBe(true);
    await place.expectBooksClosed();
  }, 90_000);
});
