/** What is drawn, and how the thread that draws is asked for it. */

export interface ChartSeries {
  readonly name: string;
  /** A colour of CSS. */
  readonly colour: string;
  /** One value for each of {@link UsageChart.labels}; dollars, or a count. */
  readonly values: readonly number[];
}

/** Bars that stand on one another, one for each day. */
export interface UsageChart {
  readonly title: string;
  readonly labels: readonly string[];
  readonly unit: 'dollars' | 'count';
  readonly series: readonly ChartSeries[];
}

export interface ChartRequest {
  readonly id: number;
  readonly chart: UsageChart;
}

export type ChartResult =
  | { readonly id: number; readonly png: Uint8Array }
  | { readonly id: number; readonly error: string };
