// SPDX-License-Identifier: GPL-2.0
// Builds the page from the data in it.
import { benchmarks } from './benchmarks';
import type { Data } from './data';
import { element } from './dom';
import { failures } from './failures';
import { latencies } from './latencies';
import { overTime } from './over_time';
import { unpack } from './series';
import { summary } from './summary';

function count(number: number, what: string): string {
  return number === 0 ? '' : `${number} ${what}${number === 1 ? '' : 's'}`;
}

function header({ made, runs, ratios, benchmarks: files }: Data): HTMLElement {
  const parts = [count(runs.length, 'run'), count(ratios.length, 'table') && `${count(ratios.length, 'table')} of ratios`,
    count(files.length, 'file') && `${count(files.length, 'file')} of benchmarks`];
  return element('header', {},
    element('h1', {}, 'raceless report'),
    element('p', { class: 'dim' }, parts.filter((part) => part !== '').join(', '), '; ', made.time),
    element('p', { class: 'made' }, element('code', {}, made.command)));
}

async function build(): Promise<void> {
  const data = JSON.parse(document.getElementById('data')!.textContent!) as Data;
  const main = document.querySelector('main')!;
  const parts: Node[] = [header(data)];
  const draws: (() => void)[] = [];
  if (data.runs.length > 0) {
    const time = overTime(data, await Promise.all(data.runs.map(({ series }) => unpack(series))));
    const spread = latencies(data);
    parts.push(summary(data), time.element, spread.element, failures(data));
    draws.push(time.draw, spread.draw);
  }
  if (data.ratios.length + data.benchmarks.length > 0) parts.push(benchmarks(data));
  main.replaceChildren(...parts);
  for (const draw of draws) draw();
  document.documentElement.dataset.ready = 'true';
}

build().catch((error: unknown) => {
  document.querySelector('main')!.replaceChildren(
    element('p', { role: 'alert' }, `This page cannot be shown: ${String(error)}`));
  throw error;
});
