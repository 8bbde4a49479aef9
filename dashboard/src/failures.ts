// SPDX-License-Identifier: GPL-2.0
// What failed, by cause, and how loads and unloads ended.
import { element, madeBy, scrolling, section } from './dom';

import { type Breakdown, breakdown, counter, type Data, letter, type Run } from './data';
import { percent, whole } from './format';

interface Kind {
  name: string;
  title: string;
  about: string;
  all?: string; // the counter that these are a part of
}

const KINDS: Kind[] = [
  { name: 'user_failures_by_cause', title: 'Failed uses, by cause', all: 'uses',
    about: 'load_busy: the load met the dying module. unloaded_again: loaded, and gone again before the user had ' +
      'it. still_registered: the resource was there, its module going. Shares are of all uses.' },
  { name: 'user_failures_by_errno', title: 'Failed uses, by error', all: 'uses', about: 'Shares are of all uses.' },
  { name: 'get_failures_by_reason', title: 'Failed gets, by reason', all: 'gets', about: 'Shares are of all gets.' },
  { name: 'unloads_by_outcome', title: 'Unloads, by outcome',
    about: 'unload: through /dev/raceless; held delete: delete_module after it; delete: delete_module alone. ' +
      'Refusals are what an unloader is for.' },
  { name: 'loads_by_outcome', title: 'Loads, by outcome', about: 'By the loaders; loads by request are reloads.' },
];

const sum = (parts: Breakdown): number => Object.values(parts).reduce((all, part) => all + part, 0);

// The bar is the share; the numbers beside it say the same.
function cell(parts: Breakdown, key: string, all: number): HTMLElement {
  const part = parts[key] ?? 0;
  const bar = element('span', { class: 'bar', 'aria-hidden': 'true' });
  bar.style.setProperty('--share', `${all === 0 ? 0 : (100 * part) / all}%`);
  return element('td', { class: 'share', 'data-key': key },
    bar, element('span', { class: 'count' }, whole(part)),
    element('span', { class: 'dim percent' }, percent(part, all)));
}

function table(kind: Kind, runs: Run[]): HTMLElement | null {
  const parts = runs.map(({ run }) => breakdown(run, kind.name));
  const keys = [...new Set(parts.flatMap((one) => Object.keys(one)))];
  if (keys.length === 0) return null;
  const most = (key: string): number => Math.max(...parts.map((one) => one[key] ?? 0));
  keys.sort((a, b) => most(b) - most(a) || (a < b ? -1 : 1));
  const totals = runs.map(({ run }, index) => (kind.all ? counter(run, kind.all) : sum(parts[index]!)));
  const rows = keys.map((key) => element('tr', {}, element('th', { scope: 'row' }, key),
    ...parts.map((one, index) => cell(one, key, totals[index]!))));
  const made = element('table', { class: 'shares', 'data-kind': kind.name },
    element('thead', {}, element('tr', {}, element('td', {}),
      ...runs.map((_, index) => element('th', { scope: 'col' },
        `${letter(index)} `, element('span', { class: 'dim' }, `of ${whole(totals[index]!)}`))))),
    element('tbody', {}, ...rows));
  return element('figure', { class: 'kind' },
    element('h3', {}, kind.title), scrolling(made, kind.title),
    element('figcaption', {}, kind.about, madeBy(...runs.map((run) => run.command))));
}

export function failures({ runs }: Data): HTMLElement {
  const tables = KINDS.map((kind) => table(kind, runs));
  const nothing = tables.slice(0, 3).every((one) => one === null);
  return section('failures', 'Failures by cause',
    nothing ? element('p', {}, runs.length === 1 ? 'No use and no get failed.' : 'In no run did a use or a get fail.') : null,
    element('div', { class: 'kinds' }, ...tables));
}
