import { expect, test } from 'vitest';
import { usageChart } from '../../src/text/usage-chart.ts';

const NOW = new Date('2026-11-21T10:00:00Z');

test('thirty days end today, each payer has its bars, and the words say the same', () => {
  const shown = usageChart(
    [
      { day: '2026-11-21', funding: 'own', turns: 2, costMicros: 1_500_000 },
      { day: '2026-10-23', funding: 'own', turns: 1, costMicros: 500_000 },
      { day: '2026-11-01', funding: 'house', turns: 3, costMicros: 20_000 },
    ],
    NOW,
  );
  expect(shown?.chart).toMatchObject({ title: 'The last 30 days: $2.02', unit: 'dollars' });
  expect(shown?.chart.labels).toHaveLength(30);
  expect([shown?.chart.labels.at(0), shown?.chart.labels.at(-1)]).toEqual(['Oct 23', 'Nov 21']);
  const [own, house] = shown?.chart.series ?? [];
  expect([own?.values.at(0), own?.values.at(-1), house?.values[9]]).toEqual([0.5, 1.5, 0.02]);
  expect(shown?.words).toBe(
    [
      'The last 30 days: $2.02.',
      'Your own keys: 3 answers, $2.00, the most on Nov 21 ($1.50).',
      'The house: 3 answers, $0.02, the most on Nov 1 ($0.02).',
    ].join('\n'),
  );
});

test('whoever paid has bars and words: what stands in the title is seen', () => {
  const shown = usageChart(
    (['house', 'credit', 'pool', 'own'] as const).map((funding) => ({
      day: '2026-11-20',
      funding,
      turns: 1,
      costMicros: 10_000,
    })),
    NOW,
  );
  expect(shown?.chart.title).toBe('The last 30 days: $0.04');
  expect(shown?.chart.series.map(({ name }) => name)).toEqual([
    'your own keys',
    'pools',
    'your credit',
    'the house',
  ]);
  expect(shown?.words.split('\n')).toHaveLength(5);
});

test('where nothing has a price, answers are counted; where there is nothing, there is no picture', () => {
  const shown = usageChart([{ day: '2026-11-20', funding: 'own', turns: 1, costMicros: 0 }], NOW);
  expect(shown?.chart).toMatchObject({ title: 'The last 30 days: 1 answer', unit: 'count' });
  expect(usageChart([], NOW)).toBeUndefined();
});
