// SPDX-License-Identifier: GPL-2.0
// Rates over time: a chart for each run, all on the same axes, zoomed together.
import uPlot from 'uplot';

import { type Data, type Run } from './data';
import { element, madeBy, scrolling, section } from './dom';
import { short, whole, words } from './format';
import { rates, rowsIn, type Series } from './series';
import { runName } from './summary';
import { swatch } from './swatch';
import { line, onThemeChange, style } from './theme';

// The order of the lines; the first ones have the plainest dashes.
const ORDER = ['uses', 'user_failures', 'unloads', 'reloads', 'waits', 'gets', 'get_failures', 'calls', 'loads',
  'unload_failures', 'load_failures', 'call_failures'];
const FIRST_SHOWN = ORDER.slice(0, 5);
const TABLE_ROWS = 20;

// What all charts have in common; each change is drawn in all of them.
class View {
  readonly end: number;
  from = 0;
  to: number;
  averaged = 1; // seconds
  is_log = false;
  is_shared = true; // the charts' axis of rates
  peak = 1; // of all that is shown, in all charts
  readonly shown: Set<string>;
  readonly names: string[];
  private readonly listeners: ((change: 'range' | 'lines' | 'scale') => void)[] = [];

  constructor(all: Series[]) {
    this.end = Math.max(...all.map((one) => one.seconds.at(-1) ?? 0), 0.1);
    this.to = this.end;
    const used = (name: string): boolean =>
      all.some((one) => (one.totals[one.names.indexOf(name)]?.at(-1) ?? 0) > 0);
    const order = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
    this.names = [...new Set(all.flatMap((one) => one.names))].filter(used).sort((a, b) => order(a) - order(b));
    this.shown = new Set(this.names.filter((name) => FIRST_SHOWN.includes(name)));
  }

  onChange(listener: (change: 'range' | 'lines' | 'scale') => void): void {
    this.listeners.push(listener);
  }

  changed(change: 'range' | 'lines' | 'scale'): void {
    for (const listener of this.listeners) listener(change);
  }

  show(from: number, to: number): void {
    const size = Math.min(Math.max(to - from, this.end / 1e5), this.end);
    const start = Math.min(Math.max(from, 0), this.end - size);
    if (start === this.from && start + size === this.to) return;
    this.from = start;
    this.to = start + size;
    this.changed('range');
  }

  // By a factor around the middle.
  zoom(factor: number): void {
    const middle = (this.from + this.to) / 2;
    const half = ((this.to - this.from) / 2) * factor;
    this.show(middle - half, middle + half);
  }

  pan(share: number): void {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  reset(): void {
    this.show(0, this.end);
  }
}

class Chart {
  readonly element: HTMLElement;
  private readonly plot: HTMLElement;
  private readonly table: HTMLElement;
  private chart?: uPlot;
  private lines: Float32Array[] = [];

  constructor(private readonly view: View, private readonly run: Run, private readonly series: Series, index: number,
    private readonly height: number) {
    this.plot = element('div', { class: 'plot', tabindex: 0, role: 'group',
      'aria-label': `${runName(index, run)}: rates over time. Arrow keys move, plus and minus zoom, 0 shows all; ` +
        'the numbers are in the table below.' });
    this.table = element('div');
    const thinned = run.series.shown < run.series.rows
      ? element('p', {}, `${whole(run.series.shown)} of ${whole(run.series.rows)} samples are in this page, evenly ` +
        'spaced; the counters are cumulative, so that nothing is left out of the rates.')
      : null;
    this.element = element('figure', { class: 'over-time', 'data-run': index },
      element('h3', {}, runName(index, run), ' ', element('span', { class: 'dim' },
        `${whole(series.seconds.length)} samples`)),
      this.plot,
      element('details', {}, element('summary', {}, 'numbers of what is shown'), this.table),
      element('figcaption', {}, thinned, madeBy(run.command)));
    this.plot.addEventListener('keydown', (event) => this.key(event));
    const details = this.element.querySelector('details')!;
    details.addEventListener('toggle', () => this.fillTable());
    new ResizeObserver(() => {
      if (this.chart && this.chart.width !== this.plot.clientWidth)
        this.chart.setSize({ width: this.plot.clientWidth, height: this.height });
    }).observe(this.plot);
  }

  // The largest rate of what is shown.
  peak(): number {
    const { seconds } = this.series;
    const [from, to] = [this.rowAt(this.view.from), this.rowAt(this.view.to)];
    let peak = 0;
    for (const rate of this.lines)
      for (let row = from; row <= to && row < seconds.length; row++) if (rate[row]! > peak) peak = rate[row]!;
    return peak;
  }

  showRange(): void {
    this.chart?.setScale('x', { min: this.view.from, max: this.view.to });
    this.fillTable();
  }

  // The last row that is not after this time.
  private rowAt(time: number): number {
    const { seconds } = this.series;
    let low = 0;
    let high = seconds.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (seconds[middle]! <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  private key(event: KeyboardEvent): void {
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.view.pan(-0.2), ArrowRight: () => this.view.pan(0.2),
      '+': () => this.view.zoom(0.5), '=': () => this.view.zoom(0.5), '-': () => this.view.zoom(2),
      '0': () => this.view.reset(), Escape: () => this.view.reset(),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  private names(): string[] {
    return this.view.names.filter((name) => this.view.shown.has(name));
  }

  compute(): void {
    const { view, series } = this;
    const rows = rowsIn(series, view.averaged);
    this.lines = this.names().map((name) => {
      const totals = series.totals[series.names.indexOf(name)];
      return totals ? rates(series, totals, rows) : new Float32Array(series.seconds.length);
    });
  }

  draw(): void {
    const data = [this.series.seconds, ...this.lines] as uPlot.AlignedData;
    this.chart?.destroy();
    this.chart = new uPlot(this.options(this.names()), data, this.plot);
    this.showRange();
  }

  private options(names: string[]): uPlot.Options {
    const { view } = this;
    const axis = { stroke: style('--dim'), font: `11px ${style('--mono')}`,
      grid: { stroke: style('--rule'), width: 1 }, ticks: { stroke: style('--rule'), width: 1 } };
    return {
      width: this.plot.clientWidth,
      height: this.height,
      cursor: { sync: { key: 'over-time' }, drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      scales: { x: { time: false }, y: { ...(view.is_log ? { distr: 4 as const, asinh: 1 } : {}), range: () => [0, (view.is_shared ? view.peak : Math.max(1, this.peak())) * 1.05] } },
      axes: [
        { ...axis, size: 28, values: (_chart, splits) => splits.map((s) => `${short(s)} s`) },
        { ...axis, size: 56, values: (_chart, splits) => splits.map((rate: number | null) => (rate === null ? '' : `${short(rate)}/s`)) },
      ],
      series: [
        { label: 'at', value: (_chart, s) => (s === null || s === undefined ? '' : `${s.toFixed(2)} s`) },
        ...names.map((name) => {
          const { color, dash } = line(this.view.names.indexOf(name));
          return {
            label: words(name), stroke: color, dash, width: 1.5, points: { show: false },
            value: (_chart: uPlot, rate: number | null) => (rate === null || rate === undefined ? '' : `${short(rate)}/s`),
          };
        }),
      ],
      legend: { isolate: false },
      hooks: {
        setSelect: [(chart) => {
          if (chart.select.width < 5) return;
          const { left, width } = chart.select;
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          view.show(chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x'));
        }],
      },
    };
  }

  // For those who do not see the chart, and those who want the number.
  private fillTable(): void {
    if (!this.element.querySelector('details')!.open) return;
    const { view, series } = this;
    const names = this.names();
    const step = (view.to - view.from) / TABLE_ROWS;
    const rows = Array.from({ length: TABLE_ROWS }, (_, i) => {
      const from = this.rowAt(view.from + i * step);
      const to = this.rowAt(view.from + (i + 1) * step);
      return element('tr', {}, element('th', { scope: 'row' }, `${series.seconds[from]!.toFixed(2)} to ${series.seconds[to]!.toFixed(2)} s`),
        ...names.map((name) => {
          const totals = series.totals[series.names.indexOf(name)];
          return element('td', { class: 'number' }, totals ? whole(totals[to]! - totals[from]!) : '');
        }));
    });
    this.table.replaceChildren(scrolling(element('table', { class: 'list' },
      element('thead', {}, element('tr', {}, element('td', {}), ...names.map((name) => element('th', { scope: 'col' }, words(name))))),
      element('tbody', {}, ...rows)), `numbers of ${this.run.path}`));
  }
}

function lineControls(view: View): HTMLElement {
  const boxes = view.names.map((name, index) => {
    const box = element('input', { type: 'checkbox', name: 'line', value: name, checked: view.shown.has(name) });
    box.addEventListener('change', () => {
      if (box.checked) view.shown.add(name);
      else view.shown.delete(name);
      view.changed('lines');
    });
    return element('label', {}, box, swatch(index), ' ', words(name));
  });
  return element('fieldset', { class: 'lines' }, element('legend', {}, 'per second'), ...boxes);
}

function button(label: string, title: string, act: () => void): HTMLElement {
  const made = element('button', { type: 'button', title, 'aria-label': title }, label);
  made.addEventListener('click', act);
  return made;
}

function rangeControls(view: View, runs: number): HTMLElement {
  const output = element('output', { class: 'range', 'aria-live': 'polite' });
  const say = (): void => {
    output.textContent = `${view.from.toFixed(2)} s to ${view.to.toFixed(2)} s`;
  };
  view.onChange(say);
  say();
  const averaged = element('select', { name: 'averaged' },
    ...[[0, 'each sample'], [1, '1 s'], [10, '10 s']].map(([value, text]) =>
      element('option', { value: value!, selected: value === view.averaged }, text!)));
  averaged.addEventListener('change', () => {
    view.averaged = Number(averaged.value);
    view.changed('lines');
  });
  const flag = (name: string, label: string, checked: boolean, set: (on: boolean) => void): HTMLElement => {
    const box = element('input', { type: 'checkbox', name, checked });
    box.addEventListener('change', () => {
      set(box.checked);
      view.changed('scale');
    });
    return element('label', {}, box, ` ${label}`);
  };
  return element('div', { class: 'controls' },
    button('−', 'zoom out', () => view.zoom(2)), button('+', 'zoom in', () => view.zoom(0.5)),
    button('←', 'earlier', () => view.pan(-0.5)), button('→', 'later', () => view.pan(0.5)),
    button('all', 'show all of the time', () => view.reset()), output,
    element('label', {}, 'averaged over ', averaged),
    flag('log', 'logarithmic', view.is_log, (on) => (view.is_log = on)),
    runs > 1 ? flag('shared', 'same scale for all', view.is_shared, (on) => (view.is_shared = on)) : null);
}

export function overTime({ runs }: Data, all: Series[]): { element: HTMLElement; draw: () => void } {
  const view = new View(all);
  const height = runs.length > 3 ? 130 : 200;
  const charts = runs.map((run, index) => new Chart(view, run, all[index]!, index, height));
  const findPeak = (): void => {
    view.peak = Math.max(1, ...charts.map((chart) => chart.peak()));
  };
  const draw = (): void => {
    for (const chart of charts) chart.compute();
    findPeak();
    for (const chart of charts) chart.draw();
  };
  view.onChange((change) => {
    if (change !== 'range') return draw();
    findPeak();
    for (const chart of charts) chart.showRange();
  });
  onThemeChange(draw);
  return {
    element: section('over-time', 'Over time',
      lineControls(view), rangeControls(view, runs.length),
      element('p', { class: 'dim' }, 'Drag over a chart to zoom; with the keyboard on it: arrows, +, −, 0.'),
      ...charts.map((chart) => chart.element)),
    draw,
  };
}
