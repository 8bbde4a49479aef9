// SPDX-License-Identifier: GPL-2.0
// The verdict of each run, and what was run where, side by side.
import { type Child, element, scrolling, section } from './dom';

import { counter, type Data, kernelSeries, letter, type Run, type RunFile } from './data';
import { duration, percent, whole } from './format';

const RESTS_TO_SEE_GROWTH = 3; // controller/leaks/leak_check.h

interface Fact {
  name: string;
  is_context?: boolean; // a difference explains others
  text: (run: RunFile) => string;
}

const failed = (run: RunFile, all: string, part: string): string => {
  const number = counter(run, part);
  if (counter(run, all) === 0) return '';
  const share = percent(number, counter(run, all));
  return number === 0 ? '0' : `${whole(number)} (${share})`;
};
const refused = (run: RunFile, name: string): string =>
  `${whole(counter(run, `${name}s`))}, ${whole(counter(run, `${name}_failures`))} refused`;

const FACTS: Fact[] = [
  { name: 'target', is_context: true, text: (run) => run.parameters.target },
  { name: 'workload', is_context: true, text: (run) => run.parameters.workload },
  { name: 'kernel', is_context: true, text: (run) => run.context.kernel },
  { name: 'accelerator', is_context: true, text: (run) => run.context.accel },
  { name: 'vCPUs', is_context: true, text: (run) => whole(run.context.vcpus) },
  { name: 'gate', is_context: true, text: (run) => run.context.gate },
  { name: 'commit', is_context: true, text: (run) => run.context.commit },
  { name: 'seed', is_context: true, text: (run) => String(run.context.seed) },
  {
    name: 'loaders, unloaders, consumers',
    is_context: true,
    text: ({ parameters: { loaders, unloaders, consumers } }) =>
      `${loaders.threads}, ${unloaders.threads}, ${consumers.threads}`,
  },
  { name: 'started', text: (run) => run.context.started.replace('T', ' ').replace('Z', ' UTC') },
  {
    name: 'lasted',
    text: (run) => duration(run.context.elapsed_ns) + (run.context.interrupted ? ', interrupted' : ''),
  },
  { name: 'uses', text: (run) => whole(counter(run, 'uses')) },
  { name: 'failed uses', text: (run) => failed(run, 'uses', 'user_failures') },
  { name: 'gets', text: (run) => whole(counter(run, 'gets')) },
  { name: 'failed gets', text: (run) => failed(run, 'gets', 'get_failures') },
  { name: 'gets that waited', text: (run) => failed(run, 'gets', 'waits') },
  { name: 'calls', text: (run) => whole(counter(run, 'calls')) },
  { name: 'unloads', text: (run) => refused(run, 'unload') },
  { name: 'loads', text: (run) => refused(run, 'load') },
  { name: 'reloads by request', text: (run) => whole(counter(run, 'reloads')) },
  { name: 'leaks', text: (run) => leaksText(run) },
  { name: 'not recorded', text: (run) => dropsText(run) },
];

function leaksText({ leaks }: RunFile): string {
  if (leaks.rests === 0) return 'not looked for';
  const few = leaks.rests < RESTS_TO_SEE_GROWTH ? ', too few to see growth' : '';
  const blind = leaks.slab_callers ? '' : ', slab memory by cache alone';
  return `${leaks.found.length} found at ${leaks.rests} rests${few}${blind}`;
}

function dropsText(run: RunFile): string {
  const drops = Object.entries(run.drops).filter(([, number]) => number !== 0);
  const parts = drops.map(([name, number]) => `${name.replaceAll('_', ' ')} ${whole(number)}`);
  if (!run.tracing.on) parts.push('nothing traced');
  else if (run.tracing.missing.length > 0) parts.push(`${run.tracing.missing.length} not traced`);
  return parts.length === 0 ? 'nothing was lost' : parts.join(', ');
}

function verdictCell({ verdict }: RunFile): HTMLElement {
  const passed = verdict.result === 'pass';
  const text = passed ? 'PASS' : 'FAIL';
  const more = passed ? '0 broken promises' : `${whole(verdict.nr_broken)} broken promises`;
  return element('td', { 'data-fact': 'verdict' },
    element('strong', { class: passed ? 'verdict pass' : 'verdict fail' }, passed ? '✓ ' : '✗ ', text),
    ' ', element('span', { class: 'dim' }, more));
}

const isEmpty = (text: string): boolean => text === '' || text === '0' || text === '0, 0 refused';

function factRow(fact: Fact, runs: Run[]): HTMLElement | null {
  const texts = runs.map(({ run }) => fact.text(run));
  if (!fact.is_context && texts.every(isEmpty) && !fact.name.startsWith('failed')) return null;
  if (texts.every((text) => text === '')) return null;
  const differs = fact.is_context && texts.some((text) => text !== texts[0]);
  const mark: Child = differs
    ? element('abbr', { class: 'differs', title: 'differs between the runs' }, '≠')
    : null;
  return element('tr', { class: fact.is_context ? 'context' : undefined },
    element('th', { scope: 'row' }, fact.name, mark === null ? '' : ' ', mark),
    ...texts.map((text) => element('td', { 'data-fact': fact.name }, text)));
}

// What tells a run from its neighbours at a glance.
export function runName(index: number, { run }: Run): string {
  const gate = run.context.gate === 'on' ? ', gate on' : '';
  return `${letter(index)}: ${run.parameters.target}, ${kernelSeries(run.context.kernel)}${gate}`;
}

// Both kinds of facts in one table keep the columns of several runs in line.
function factTable(runs: Run[], kinds: { context: boolean; results: boolean }): HTMLElement {
  const verdicts = element('tr', {}, element('th', { scope: 'row' }, 'verdict'), ...runs.map(({ run }) => verdictCell(run)));
  const paths = element('tr', {}, element('th', { scope: 'row' }, 'file'),
    ...runs.map(({ path }) => element('td', { class: 'path' }, path)));
  return element('table', { class: 'facts' },
    element('thead', {}, element('tr', {},
      element('td', {}),
      ...runs.map((run, index) => element('th', { scope: 'col', title: run.path }, runName(index, run))))),
    element('tbody', {},
      kinds.context ? verdicts : null,
      ...FACTS.filter((fact) => (fact.is_context ? kinds.context : kinds.results)).map((fact) => factRow(fact, runs)),
      kinds.context ? paths : null));
}

function brokenTable(runs: Run[]): HTMLElement | null {
  const rows = runs.flatMap(({ run }, index) =>
    run.verdict.broken.map((broken) => element('tr', {},
      element('td', {}, letter(index)), element('td', { class: 'number' }, broken.promise),
      element('td', { class: 'number' }, `${(broken.when_ns / 1e9).toFixed(3)} s`),
      element('td', {}, broken.thread), element('td', { class: 'number' }, broken.instance),
      element('td', {}, broken.what))));
  if (rows.length === 0) return null;
  return list('Broken promises', ['run', 'promise', 'when', 'thread', 'instance', 'what'], rows);
}

function leakTable(runs: Run[]): HTMLElement | null {
  const rows = runs.flatMap(({ run }, index) =>
    run.leaks.found.map((leak) => element('tr', {},
      element('td', {}, letter(index)), element('td', {}, leak.what), element('td', {}, leak.caller),
      element('td', { class: 'number' }, whole(leak.count)), element('td', { class: 'number' }, whole(leak.bytes)))));
  return rows.length === 0 ? null : list('Leaks', ['run', 'what', 'caller', 'count', 'bytes'], rows);
}

function missingList(runs: Run[]): HTMLElement | null {
  const rows = runs.flatMap(({ run }, index) =>
    run.tracing.missing.map((what) => element('tr', {}, element('td', {}, letter(index)), element('td', {}, what))));
  return rows.length === 0 ? null : list('Not traced', ['run', 'what, and why'], rows);
}

function list(title: string, heads: string[], rows: HTMLElement[]): HTMLElement {
  const table = element('table', { class: 'list' },
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...rows));
  return element('div', {}, element('h3', {}, title), scrolling(table, title));
}

export function summary({ runs }: Data): HTMLElement {
  return section('summary', runs.length === 1 ? 'The run' : 'The runs',
    runs.length > 1
      ? scrolling(factTable(runs, { context: true, results: true }), 'verdicts, context and what was counted')
      : element('div', { class: 'side-by-side' },
        scrolling(factTable(runs, { context: true, results: false }), 'verdict and context'),
        scrolling(factTable(runs, { context: false, results: true }), 'what was counted')),
    brokenTable(runs), leakTable(runs), missingList(runs));
}
