/** Tables that a teacher opens with a double click. */

import { expect, test } from 'vitest';
import { csvOf } from '../../src/pools/csv.ts';

test('a spreadsheet reads umlauts as they are, and calculates nothing', () => {
  const csv = csvOf([
    { name: 'Jürgen', number: 1 },
    { name: '=HYPERLINK("https://example.org")', number: 2 },
  ]);
  expect([...csv.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  expect(csv.toString('utf8').slice(1).split('\n')).toEqual([
    'name,number',
    'Jürgen,1',
    `"'=HYPERLINK(""https://example.org"")",2`,
    '',
  ]);
});
