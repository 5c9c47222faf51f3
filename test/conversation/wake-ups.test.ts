/** Who writes again before the answer is there is answered without anybody having to look for them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/latchkey.ts';
import { botMessages, textOf } from '../support/people.ts';
import { createTestRedis, hasRedis, type TestRedis } from '../support/redis.ts';

const PEOPLE = 12;
const MESSAGES = 6;

describe.each(['PostgreSQL', 'Redis'] as const)('with the queue on %s', (kind) => {
  describe.skipIf(kind === 'Redis' && !hasRedis())('and no sweeper', () => {
    let redis: TestRedis | undefined;
    let world: World;
    beforeAll(async () => {
      redis = kind === 'Redis' ? await createTestRedis() : undefined;
      world = await createWorld({
        env: redis === undefined ? {} : { REDIS_URL: redis.url },
        timing: { sweepMs: 3_600_000 },
      });
      world.openai.script((question) => `Answer to ${question}`);
      await world.start();
    });
    afterAll(async () => {
      await world.close();
      await redis?.close();
    });

    test('several messages in a row are all answered, in their order', async () => {
      const chats = Array.from({ length: PEOPLE }, () => {
        const user = world.telegram.addUser({ first_name: 'Ann' });
        return { user, chat: world.telegram.privateChat(user) };
      });
      await Promise.all(
        chats.map(async ({ user, chat }) => {
          for (let n = 1; n <= MESSAGES; n += 1) {
            world.telegram.say(chat, user, `word ${n}`);
            // Now and then just as the answer before is ending.
            await sleep(Math.random() * 60);
          }
        }),
      );
      for (const { chat } of chats) {
        const numbers = () =>
          botMessages(world, chat)
            .map((message) => /Answer to.*word (\d)/s.exec(textOf(message))?.[1])
            .filter((number) => number !== undefined);
        await world.telegram.waitFor(() => numbers().length === MESSAGES);
        expect(numbers()).toEqual(['1', '2', '3', '4', '5', '6']);
      }
    });
  });
});
