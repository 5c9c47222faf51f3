/** What test/crash does with the queue on PostgreSQL, with the queue on Redis. */

import { describe, test } from 'vitest';
import { cutFromPostgres, killedAmidAnswers, oneOfTwoWorkersKilled } from '../crash/scenarios.ts';
import { hasRedis } from '../support/redis.ts';

describe.skipIf(!hasRedis())('with the queue on Redis', () => {
  test('kill -9 while answers stream, wait and are sent: each message has one answer, or a word on why not', async ({
    onTestFinished,
  }) => {
    await killedAmidAnswers('redis', onTestFinished);
  });

  test('every connection to PostgreSQL is cut, twice: nothing is lost, nothing doubled unsaid', async ({
    onTestFinished,
  }) => {
    await cutFromPostgres('redis', onTestFinished);
  });

  test('one process that takes in and two that answer, one of them killed: one turn of a user at a time, in order, none lost', async ({
    onTestFinished,
  }) => {
    await oneOfTwoWorkersKilled('redis', onTestFinished);
  });
});
