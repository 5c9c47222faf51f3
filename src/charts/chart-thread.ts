/** The thread that draws: see `usage-chart.ts`. Nothing imports it; it is started as a file. */

import { parentPort } from 'node:worker_threads';
import type { ChartRequest, ChartResult } from './chart.ts';
import { drawChart } from './draw-chart.ts';

parentPort?.on('message', ({ id, chart }: ChartRequest) => {
  let result: ChartResult;
  try {
    result = { id, png: drawChart(chart) };
  } catch (error) {
    result = { id, error: error instanceof Error ? error.message : 'unknown' };
  }
  parentPort?.postMessage(result);
});
