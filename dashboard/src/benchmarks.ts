// SPDX-License-Identifier: GPL-2.0
// Ratios against their goals, and the benchmarks that they are made of, with the spread of the
// repetitions.
import { type Benchmark, type BenchmarkFile, type Data, kernelSeries, type Ratio } from './data';
import { element, madeBy, scrolling, section, svg } from './dom';
import { short } from './format';

const WIDTH = 220;

// Where a value stands on a logarithmic strip.
function position(least: number, most: number): (value: number) => number {
  const from = Math.log(least);
  const size = Math.log(most) - from || 1;
  return (value) => 4 + ((WIDTH - 8) * (Math.log(value) - from)) / size;
}

// A band from the least to the most, a dot at the median, a tick at the goal.
function strip(at: (value: number) => number, least: number, middle: number, most: number, goal?: number): SVGElement {
  const parts = [
    svg('line', { class: 'base', x1: 0, x2: WIDTH, y1: 8, y2: 8 }),
    svg('rect', { class: 'band', x: at(least), y: 5, width: Math.max(1, at(most) - at(least)), height: 6 }),
    svg('circle', { class: 'dot', cx: at(middle), cy: 8, r: 3.5 }),
  ];
  if (goal !== undefined) parts.push(svg('line', { class: 'goal', x1: at(goal), x2: at(goal), y1: 0, y2: 16 }));
  return svg('svg', { class: 'strip', viewBox: `0 0 ${WIDTH} 16`, width: WIDTH, height: 16, 'aria-hidden': 'true' }, ...parts);
}

const where = (ratio: Ratio): string => {
  const clock = ratio.clock === 'instructions' ? 'instructions' : `${ratio.accel}, ${ratio.vcpus} vCPUs`;
  return `${kernelSeries(ratio.kernel)}, ${clock}, ${ratio.commit}`;
};

function ratioRow(ratio: Ratio, at: (value: number) => number): HTMLElement {
  const [least, most] = ratio.spread;
  const drawable = least > 0 && most > 0 && ratio.value > 0 && ratio.goal > 0;
  const title = `${ratio.numerator} ÷ ${ratio.denominator}`;
  return element('tr', { 'data-ratio': ratio.name, 'data-value': ratio.value },
    element('th', { scope: 'row', title }, ratio.name),
    element('td', { class: 'number' }, element('strong', {}, short(ratio.value))),
    element('td', { class: 'number dim' }, `${short(least)} to ${short(most)}`),
    element('td', {}, drawable ? strip(at, least, ratio.value, most, ratio.goal) : ''),
    element('td', { class: 'number' }, `${ratio.direction === '<=' ? '≤' : '≥'} ${short(ratio.goal)}`),
    element('td', { class: ratio.met ? 'pass' : 'fail' }, ratio.met ? '✓ met' : '✗ missed'));
}

function ratioTable(path: string, command: string, ratios: Ratio[]): HTMLElement {
  const groups = new Map<string, Ratio[]>();
  for (const ratio of ratios) groups.set(where(ratio), [...(groups.get(where(ratio)) ?? []), ratio]);
  const heads = ['ratio of medians', 'value', 'repetitions', 'logarithmic; | the goal', 'goal', ''];
  const bodies = [...groups].map(([name, group]) => {
    const values = group.flatMap((ratio) => [ratio.value, ratio.goal, ...ratio.spread]).filter((value) => value > 0);
    const at = position(Math.min(...values), Math.max(...values));
    return element('tbody', {},
      element('tr', { class: 'group' }, element('th', { scope: 'rowgroup', colspan: heads.length }, name)),
      ...group.map((ratio) => ratioRow(ratio, at)));
  });
  const table = element('table', { class: 'ratios' },
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))), ...bodies);
  return element('figure', {}, element('h3', {}, 'Ratios ', element('span', { class: 'dim' }, path)),
    scrolling(table, `ratios of ${path}`),
    element('figcaption', {},
      'A row\'s name shows what is divided by what. The band is from the lowest to the highest ratio of the ' +
      'repetitions, one by one; the dot is the ratio of the medians.', madeBy(command)));
}

function benchmarkTable({ path, command, context, benchmarks }: BenchmarkFile): HTMLElement {
  const byUnit = new Map<string, Benchmark[]>();
  for (const one of benchmarks) byUnit.set(one.unit, [...(byUnit.get(one.unit) ?? []), one]);
  const heads = ['benchmark', 'repetitions', 'median', 'least to most', 'logarithmic'];
  const bodies = [...byUnit].map(([unit, group]) => {
    const values = group.flatMap((one) => [one.least, one.most]).filter((value) => value > 0);
    const at = position(Math.min(...values), Math.max(...values));
    return element('tbody', {}, ...group.map((one) => element('tr', { 'data-benchmark': one.name },
      element('th', { scope: 'row' }, one.name),
      element('td', { class: 'number dim' }, one.repetitions),
      element('td', { class: 'number' }, element('strong', {}, short(one.median)), ` ${unit}`),
      element('td', { class: 'number dim' }, `${short(one.least)} to ${short(one.most)}`),
      element('td', {}, one.least > 0 ? strip(at, one.least, one.median, one.most) : ''))));
  });
  const table = element('table', { class: 'ratios' },
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))), ...bodies);
  return element('details', { class: 'benchmarks' },
    element('summary', {}, path, ' ', element('span', { class: 'dim' },
      `${kernelSeries(context.kernel)}, ${context.accel}, ${context.vcpus} vCPUs, clock: ${context.clock}, commit ` +
      `${context.commit}, ${benchmarks.length} benchmarks`)),
    scrolling(table, `benchmarks of ${path}`), madeBy(command));
}

export function benchmarks(data: Data): HTMLElement {
  return section('benchmarks', 'Benchmarks',
    element('p', { class: 'dim' }, 'Under emulation only ratios within one run mean anything.'),
    ...data.ratios.map(({ path, command, ratios }) => ratioTable(path, command, ratios)),
    ...data.benchmarks.map(benchmarkTable));
}
