/** A glance at each property of `npm run test:fuzz`. */

import { expect, test } from 'vitest';
import { CHATS, SERVICES, TEXTS } from './fuzz/suites.ts';

const RUNS = 25;

test.each([...CHATS, ...SERVICES, ...TEXTS])('nothing breaks at $name', async (one) => {
  expect((await one.check({ runs: RUNS })).runs).toBe(RUNS);
});
