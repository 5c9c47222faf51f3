/** Draws bars as a PNG, with a font of its own: a server has none. */

import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { BarChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { UsageChart } from './chart.ts';

/** What a phone shows across its width at twice or thrice the density. */
const PIXELS = 1200;
const WIDTH = 800;
const HEIGHT = 480;
const FONT = 'DejaVu Sans';
/** A phone shows the picture at half its width: nothing is smaller than ten points there. */
const AXIS_FONT = 21;

// Opaque: what is behind it in a dark chat is no part of the picture. The greys stand out from it
// by more than 7 to 1.
const PAPER = '#ffffff';
const INK = '#1f2937';
const PALE_INK = '#374151';
const LINES = '#d1d5db';

export function drawChart({ title, labels, unit, series }: UsageChart): Uint8Array {
  use([BarChart, AriaComponent, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: PAPER,
      textStyle: { fontFamily: FONT, color: INK },
      color: series.map(({ colour }) => colour),
      title: { text: title, left: 16, top: 12, textStyle: { fontSize: 30, fontWeight: 'normal' } },
      legend: {
        top: 62,
        left: 12,
        itemWidth: 26,
        itemHeight: 20,
        // Without a browser the width of words is guessed, and guessed too small.
        itemGap: 46,
        textStyle: { fontSize: 22, color: INK },
      },
      grid: {
        left: 16,
        right: 24,
        top: 118,
        bottom: 16,
        outerBoundsMode: 'same',
        outerBoundsContain: 'axisLabel',
      },
      // Patterns beside colours, for those who see them alike.
      aria: { enabled: true, decal: { show: true } },
      xAxis: {
        type: 'category',
        data: [...labels],
        axisLabel: { fontSize: AXIS_FONT, color: PALE_INK, interval: 6 },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        minInterval: unit === 'count' ? 1 : 0,
        axisLabel: {
          fontSize: AXIS_FONT,
          color: PALE_INK,
          formatter: (value: number) => (unit === 'count' ? String(value) : dollars(value)),
        },
        splitLine: { lineStyle: { color: LINES } },
      },
      series: series.map(({ name, values }) => ({
        name,
        type: 'bar' as const,
        stack: 'all',
        barCategoryGap: '25%',
        data: [...values],
      })),
    });
    return toPng(chart.renderToSVGString());
  } finally {
    chart.dispose();
  }
}

function toPng(svg: string): Uint8Array {
  const font = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  const picture = new Resvg(svg, {
    font: { fontFiles: [font], loadSystemFonts: false, defaultFontFamily: FONT },
    fitTo: { mode: 'width', value: PIXELS },
  });
  return picture.render().asPng();
}

/** As many digits as small amounts need. */
function dollars(value: number): string {
  if (value === 0 || value >= 0.1) return `$${value.toFixed(2)}`;
  return `$${Number(value.toPrecision(2))}`;
}
