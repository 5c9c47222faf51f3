/** kill -9 of the one process, whatever it is doing. */

import { test } from 'vitest';
import { killedAmidAnswers } from './scenarios.ts';

test('kill -9 while answers stream, wait and are sent: each message has one answer, or a word on why not', {
  timeout: 80_000,
}, async ({ onTestFinished }) => {
  await killedAmidAnswers('postgres', onTestFinished);
});
