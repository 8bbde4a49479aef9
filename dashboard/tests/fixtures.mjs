// SPDX-License-Identifier: GPL-2.0
// Runs and benchmarks for the tests: those of the tree's fixtures, changed where a test needs it, and
// the pages that `raceless report` makes of them.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../', import.meta.url));
export const raceless = join(top, 'build/cmake/bin/raceless');
export const folder = mkdtempSync(join(tmpdir(), 'raceless-dashboard-'));

/** @param {string} [file] of a provider, or stock.json of a stock module @returns {any} */
export const exampleRun = (file = 'run.json') =>
  JSON.parse(readFileSync(join(top, 'dashboard/tests/fixtures', file), 'utf8'));

/** @param {string} name @param {any} run @returns {string} the run's folder */
export function storeRun(name, run) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'run.json'), JSON.stringify(run));
  return path;
}

export const benchFolder = join(top, 'dashboard/tests/fixtures/bench');

/** @param {string} name @param {string[]} inputs @returns {string} the page's path */
export function makePage(name, inputs) {
  const page = join(folder, `${name}.html`);
  execFileSync(raceless, ['report', ...inputs, '-o', page]);
  return page;
}

// A run of 28 hours: row by row, as its JSON is a quarter of a gigabyte.
/** @param {string} name @param {number} rows @returns {string} */
export function storeLongRun(name, rows) {
  const run = exampleRun();
  const names = Object.keys(run.series[0]).filter((one) => one !== 'time_ms');
  const totals = names.map(() => 0);
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const file = join(path, 'run.json');
  const marked = JSON.stringify({ ...run, series: '@SERIES@' }).split('"@SERIES@"');
  writeFileSync(file, `${marked[0]}[`);
  let seed = 1;
  /** @param {number} bound */
  const random = (bound) => {
    seed = (seed * 48271) % 2147483647;
    return seed % bound;
  };
  let chunk = [];
  for (let row = 0; row < rows; row++) {
    const counts = names.map((one, i) => {
      const total = (totals[i] ?? 0) + random(i % 3 === 0 ? 40 : 3);
      totals[i] = total;
      return `"${one}":${total}`;
    });
    chunk.push(`{${counts.join()},"time_ms":${row * 100 + random(5)}}`);
    if (chunk.length === 50000 || row === rows - 1) {
      writeFileSync(file, chunk.join() + (row === rows - 1 ? '' : ','), { flag: 'a' });
      chunk = [];
    }
  }
  writeFileSync(file, `]${marked[1]}`, { flag: 'a' });
  return path;
}
