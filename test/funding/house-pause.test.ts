import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  pauseHouse,
  readHousePause,
  resumeHouse,
  watchHousePause,
} from '../../src/funding/house-pause.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

let database: TestDatabase;
const errors: unknown[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const watch = (more: Partial<Parameters<typeof watchHousePause>[0]> = {}) =>
  watchHousePause({
    db: database.db,
    listen: (channel, heard) => database.listen(channel, heard),
    onError: (error) => errors.push(error),
    ...more,
  });

test('every process hears of it at once, and one that starts later knows it', async () => {
  const [one, other] = await Promise.all([watch(), watch()]);
  expect([one.isPaused, other.isPaused]).toEqual([false, false]);
  expect(await pauseHouse(database.db, 'shell')).toBe(true);
  await waitFor(() => one.isPaused && other.isPaused, { timeoutMs: 2_000 });
  const later = await watch();
  expect(later.isPaused).toBe(true);
  expect(await resumeHouse(database.db)).toBe(true);
  await waitFor(() => !one.isPaused && !other.isPaused && !later.isPaused, { timeoutMs: 2_000 });
  await Promise.all([one, other, later].map((each) => each.stop()));
  expect(errors).toEqual([]);
});

test('of two operators at once, one has paused it, and that one is named', async () => {
  const changed = await Promise.all(['a', 'b'].map((by) => pauseHouse(database.db, by)));
  expect([...changed].sort()).toEqual([false, true]);
  const paused = await readHousePause(database.db);
  expect(paused?.by).toBe(changed[0] ? 'a' : 'b');
  expect(await Promise.all([resumeHouse(database.db), resumeHouse(database.db)])).toContain(false);
  expect(await readHousePause(database.db)).toBeUndefined();
});

test('where nothing can be heard it is read again and again', async () => {
  const deaf = await watch({ listen: async () => async () => undefined, everyMs: 20 });
  await pauseHouse(database.db, 'shell');
  await waitFor(() => deaf.isPaused);
  await resumeHouse(database.db);
  await waitFor(() => !deaf.isPaused);
  await deaf.stop();
});
