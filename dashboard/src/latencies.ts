// SPDX-License-Identifier: GPL-2.0
// A histogram for each latency, all runs in it, with percentiles.
import uPlot from 'uplot';

import { counts, LOWER, quantile } from './buckets';
import { type Data, type Histogram, letter, type Run } from './data';
import { element, madeBy, section } from './dom';
import { duration, whole, words } from './format';
import { swatch } from './swatch';
import { line, onThemeChange, style } from './theme';

const ORDER = ['get_ns', 'reload_wait_ns', 'use_ns', 'use_failed_ns', 'call_ns', 'unload_ns', 'stop_ns', 'grace_ns',
  'drain_ns', 'destroy_ns', 'load_ns', 'init_ns', 'flight_ns'];

const ABOUT: Record<string, string> = {
  get_ns: 'successful gets',
  reload_wait_ns: 'gets that waited for a publish',
  call_ns: 'calls of provider code',
  use_ns: 'uses that succeeded',
  use_failed_ns: 'uses that failed',
  unload_ns: 'whole unloads that succeeded',
  delete_module_ns: 'delete_module that succeeded',
  stop_ns: 'of an unload: the stop op',
  grace_ns: 'of an unload: the grace period',
  drain_ns: 'of an unload: the last references',
  destroy_ns: 'of an unload: the destroy op',
  load_ns: 'loads that succeeded',
  init_ns: 'the init op',
  flight_ns: 'reloads by request',
  failed_wait_ns: 'waits that ended in an error',
  traced_load_ns: 'all load attempts, as BPF saw them',
  traced_unload_ns: 'all delete_module, as BPF saw them',
  traced_reload_wait_ns: 'waits, as BPF saw them',
  unload_grace_ns: 'waits for RCU inside delete_module',
};

interface Shown {
  run: Run;
  index: number;
  histogram: Histogram;
}

// Each bucket's share of its run's values, for all buckets that any run has something in.
function shares(shown: Shown[]): uPlot.AlignedData {
  const all = shown.map(({ histogram }) => counts(histogram));
  const used = all.flatMap((one) => [...one.keys()]);
  const first = Math.max(0, Math.min(...used) - 1);
  const last = Math.min(LOWER.length - 1, Math.max(...used) + 1);
  const buckets = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return [
    buckets.map((bucket) => Math.max(1, LOWER[bucket]!)),
    ...all.map((one, i) => buckets.map((bucket) => (100 * (one.get(bucket) ?? 0)) / shown[i]!.histogram.count)),
  ];
}

// p50 and p99 are lines with the run's letter, as long as there is room for them. Their names stand on
// either side, so that those of two near lines can be read.
function drawPercentiles(chart: uPlot, shown: Shown[]): void {
  if (shown.length > 3) return;
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${10 * ratio}px ${style('--mono')}`;
  shown.forEach(({ histogram, index }, i) => {
    const { color, dash } = line(index);
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = ratio;
    for (const [name, value, align] of [['50', histogram.p50, 'right'], ['99', histogram.p99, 'left']] as const) {
      const x = chart.valToPos(Math.max(1, value), 'x', true);
      const top = bbox.top + (shown.length > 1 ? 12 * i * ratio : 0);
      ctx.setLineDash(dash.map((part) => part * ratio));
      ctx.globalAlpha = 0.75;
      ctx.beginPath();
      ctx.moveTo(x, top + 12 * ratio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.globalAlpha = 1;
      ctx.textAlign = align;
      ctx.fillText(shown.length > 1 ? `${letter(index)}${name}` : `p${name}`, x, top + 9 * ratio);
    }
  });
  ctx.restore();
}

const isDecade = (ns: number): boolean => Math.abs(Math.log10(ns) - Math.round(Math.log10(ns))) < 1e-9;

function options(shown: Shown[], width: number): uPlot.Options {
  const axis = { stroke: style('--dim'), font: `11px ${style('--mono')}`,
    grid: { stroke: style('--rule'), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: 150,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false, distr: 3 }, y: { range: (_chart, _least, most) => [0, most * 1.25] } },
    axes: [
      { ...axis, size: 26, values: (_chart, splits) => splits.map((ns: number | null) => (ns !== null && isDecade(ns) ? duration(ns) : '')) },
      { ...axis, size: 42, values: (_chart, splits) => splits.map((share) => `${share}%`) },
    ],
    series: [{}, ...shown.map(({ index }) => ({
      stroke: line(index).color,
      dash: line(index).dash,
      width: 1.5,
      fill: shown.length === 1 ? `${line(index).color}30` : undefined,
      paths: uPlot.paths.stepped!({ align: 1 }),
      points: { show: false },
    }))],
    hooks: { draw: [(chart) => drawPercentiles(chart, shown)] },
  };
}

function percentiles(shown: Shown[]): HTMLElement {
  const heads = ['', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max'];
  const row = ({ histogram, index }: Shown): HTMLElement => element('tr', { 'data-run': index },
    element('th', { scope: 'row' }, swatch(index), ` ${letter(index)}`),
    element('td', {}, whole(histogram.count)),
    ...[histogram.p50, quantile(histogram, 0.9), histogram.p99, quantile(histogram, 0.999), histogram.max]
      .map((ns) => element('td', { 'data-ns': ns }, duration(ns))));
  return element('table', { class: 'percentiles' },
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...shown.map(row)));
}

function panel(name: string, shown: Shown[]): { figure: HTMLElement; draw: () => void } {
  const plot = element('div', { class: 'plot', role: 'img',
    'aria-label': `histogram of ${words(name)}; the table below has its percentiles` });
  const figure = element('figure', { class: 'panel', 'data-histogram': name },
    element('h3', {}, words(name), ' ', element('span', { class: 'dim' }, ABOUT[name] ?? '')),
    plot, percentiles(shown),
    element('figcaption', {}, madeBy(...shown.map(({ run }) => run.command))));
  let chart: uPlot | undefined;
  const draw = (): void => {
    chart?.destroy();
    chart = new uPlot(options(shown, plot.clientWidth), shares(shown), plot);
  };
  new ResizeObserver(() => {
    if (chart && chart.width !== plot.clientWidth) chart.setSize({ width: plot.clientWidth, height: 150 });
  }).observe(plot);
  return { figure, draw };
}

function order(name: string): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}

export function latencies({ runs }: Data): { element: HTMLElement; draw: () => void } {
  const names = [...new Set(runs.flatMap(({ run }) => Object.keys(run.histograms)))];
  names.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
  const panels = names.flatMap((name) => {
    const shown = runs.flatMap((run, index) => {
      const histogram = run.run.histograms[name];
      return histogram && histogram.count > 0 ? [{ run, index, histogram }] : [];
    });
    return shown.length === 0 ? [] : [panel(name, shown)];
  });
  const draw = (): void => panels.forEach((one) => one.draw());
  onThemeChange(draw);
  return {
    element: section('latencies', 'Latencies',
      element('p', { class: 'dim' }, 'Share of the values in each bucket; 8 buckets to each power of two, so that a ' +
        'percentile is at most 12.5 % too high. Time is logarithmic.'),
      element('div', { class: 'panels' }, ...panels.map((one) => one.figure))),
    draw,
  };
}
