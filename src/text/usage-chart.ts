/** The words of /usage's picture, and the same figures for those who do not see it. */

import type { ChartSeries, UsageChart } from '../charts/chart.ts';
import type { DailyUsage } from '../funding/daily-usage.ts';
import { FUNDING_KINDS, type FundingKind } from '../funding/funding-kind.ts';
import { formatUsd, MICROS_PER_USD } from '../funding/money.ts';
import { counted } from './counted.ts';

export const CHART_DAYS = 30;

/** They stand on one another in the order of {@link FUNDING_KINDS}. */
const BARS: Readonly<Record<FundingKind, { readonly name: string; readonly colour: string }>> = {
  own: { name: 'your own keys', colour: '#2563eb' },
  pool: { name: 'pools', colour: '#9333ea' },
  credit: { name: 'your credit', colour: '#d97706' },
  house: { name: 'the house', colour: '#059669' },
};

export interface ChartInWords {
  readonly chart: UsageChart;
  /** Says what the picture shows. */
  readonly words: string;
}

/** @returns undefined where there is nothing to show */
export function usageChart(usage: readonly DailyUsage[], now: Date): ChartInWords | undefined {
  if (usage.length === 0) return undefined;
  const days = Array.from({ length: CHART_DAYS }, (_, index) =>
    dayBefore(now, CHART_DAYS - 1 - index),
  );
  const spent = sum(usage, ({ costMicros }) => costMicros);
  const answers = sum(usage, ({ turns }) => turns);
  // What cost nothing (or nobody knows what) has no height in dollars.
  const unit = spent > 0 ? 'dollars' : 'count';
  const shown = FUNDING_KINDS.map((kind) => ({
    ...BARS[kind],
    rows: usage.filter(({ funding }) => funding === kind),
  })).filter(({ rows }) => rows.length > 0);
  const series = shown.map(({ name, colour, rows }): ChartSeries => {
    const height = new Map(
      rows.map(({ day, turns, costMicros }) => [
        day,
        unit === 'dollars' ? costMicros / MICROS_PER_USD : turns,
      ]),
    );
    return { name, colour, values: days.map((day) => height.get(day) ?? 0) };
  });
  const total = unit === 'dollars' ? inShort(spent) : counted(answers, 'answer');
  const title = `The last ${CHART_DAYS} days: ${total}`;
  return {
    chart: { title, labels: days.map(label), unit, series },
    words: [
      `${title}.`,
      ...shown.map(({ name, rows }) => `${upper(name)}: ${payerInWords(rows)}.`),
    ].join('\n'),
  };
}

function payerInWords(rows: readonly DailyUsage[]): string {
  const answers = sum(rows, ({ turns }) => turns);
  const most = rows.reduce((a, b) => (a.costMicros >= b.costMicros ? a : b));
  const paid = `${counted(answers, 'answer')}, ${inShort(sum(rows, ({ costMicros }) => costMicros))}`;
  return most.costMicros === 0
    ? paid
    : `${paid}, the most on ${label(most.day)} (${inShort(most.costMicros)})`;
}

function sum<T>(rows: readonly T[], of: (row: T) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

function dayBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString().slice(0, 10);
}

/** `Nov 21` */
function label(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString('en-US', {
    month: 'short',
    day: 'numeric',
    timeZone: 'UTC',
  });
}

/** To a hundredth of a cent: the figures beside it are exact. */
const inShort = (micros: number) => formatUsd(Math.round(micros / 100) * 100);

const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
