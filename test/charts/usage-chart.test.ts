import { afterEach, expect, test } from 'vitest';
import { createUsageCharts, type UsageCharts } from '../../src/charts/usage-chart.ts';
import { cornerOf, PNG_SIGNATURE, sizeOf } from '../support/png.ts';

let charts: UsageCharts;
afterEach(() => charts.close());

const CHART = {
  title: 'The last 30 days: $0.30',
  labels: Array.from({ length: 30 }, (_, day) => `Nov ${day + 1}`),
  unit: 'dollars' as const,
  series: [
    { name: 'your own keys', colour: '#2563eb', values: Array.from({ length: 30 }, () => 0.01) },
    { name: 'the house', colour: '#059669', values: Array.from({ length: 30 }, () => 0) },
  ],
};

test('bars become a PNG of a size that a phone shows sharply', async () => {
  charts = createUsageCharts();
  const png = await charts.draw(CHART);
  expect([...png.slice(0, 8)]).toEqual(PNG_SIGNATURE);
  expect(sizeOf(png)).toEqual({ width: 1200, height: 720 });
});

test('its paper is white and lets nothing through, so that a dark chat shows the same', async () => {
  charts = createUsageCharts();
  const [red, green, blue, opaque = 255] = cornerOf(await charts.draw(CHART));
  expect([red, green, blue, opaque]).toEqual([255, 255, 255, 255]);
});

test('pictures that are asked for at once are each their own, and the thread ends when none is', async () => {
  charts = createUsageCharts({ idleMs: 1 });
  const [one, other, again] = await Promise.all([
    charts.draw(CHART),
    charts.draw({ ...CHART, title: 'Another' }),
    charts.draw(CHART),
  ]);
  expect(one).toEqual(again);
  expect(one).not.toEqual(other);
  // After the thread has ended, the next picture starts another one.
  await expect.poll(async () => (await charts.draw(CHART)).length).toBe(one.length);
});

test('a chart that can’t be drawn, or is closed meanwhile, is an error and not a wait', async () => {
  charts = createUsageCharts();
  await expect(charts.draw({ ...CHART, labels: undefined as never })).rejects.toThrow(/drawn/);
  const refused = expect(charts.draw(CHART)).rejects.toThrow(/stopped/);
  await charts.close();
  await refused;
});
