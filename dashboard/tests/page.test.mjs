// SPDX-License-Identifier: GPL-2.0
// The page that `raceless report` makes, in a real browser.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, open } from './browser.mjs';
import { benchFolder, exampleRun, folder, makePage, storeLongRun, storeRun } from './fixtures.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
const gated = exampleRun();
gated.context.gate = 'on';
gated.counters.gets += 1000;
gated.histograms.get_ns.p50 += 1;
const runs = [exampleRun(), gated];
const folders = [storeRun('one', runs[0]), storeRun('two', runs[1])];
const both = makePage('both', [...folders, benchFolder]);

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** @param {string} text */
const number = (text) => Number(text.replaceAll(',', '').split(' ')[0]);

/** @param {import('playwright-core').Page} page */
const pictures = (page) =>
  page.$$eval('.over-time canvas', (all) => all.map((one) => /** @type {HTMLCanvasElement} */ (one).toDataURL()));

test('a page opens from disk: no error, no request', async () => {
  const { page, errors, requests } = await open(browser, both);
  await page.waitForTimeout(300);
  assert.deepEqual(errors, []);
  assert.deepEqual(requests, []);
  assert.equal(await page.title(), 'raceless report');
  await page.close();
});

test('verdict, context and counters are those of run.json', async () => {
  const { page } = await open(browser, both);
  /** @param {string} fact */
  const cells = (fact) => page.$$eval(`.facts [data-fact="${fact}"]`, (all) => all.map((cell) => cell.textContent ?? ''));
  const verdicts = await cells('verdict');
  runs.forEach((run, i) => assert.match(verdicts[i] ?? '', run.verdict.result === 'pass' ? /PASS/ : /FAIL/));
  for (const [fact, value] of /** @type {[string, (run: any) => unknown][]} */ ([
    ['target', (run) => run.parameters.target],
    ['kernel', (run) => run.context.kernel],
    ['accelerator', (run) => run.context.accel],
    ['vCPUs', (run) => String(run.context.vcpus)],
    ['commit', (run) => run.context.commit],
    ['gate', (run) => run.context.gate],
    ['seed', (run) => String(run.context.seed)],
  ])) assert.deepEqual(await cells(fact), runs.map(value), fact);
  for (const [fact, name] of /** @type {[string, string][]} */ ([
    ['uses', 'uses'], ['failed uses', 'user_failures'], ['gets', 'gets'], ['failed gets', 'get_failures'],
    ['gets that waited', 'waits'], ['calls', 'calls'], ['unloads', 'unloads'], ['loads', 'loads'],
    ['reloads by request', 'reloads'],
  ])) assert.deepEqual((await cells(fact)).map(number), runs.map((run) => run.counters[name]), fact);
  await page.close();
});

test('what differs between runs is marked', async () => {
  const { page } = await open(browser, both);
  const marked = await page.$$eval('.facts tr:has(.differs) th', (all) => all.map((cell) => cell.textContent));
  assert.deepEqual(marked, ['gate ≠']);
  await page.close();
});

test('each latency has its histogram, and the percentiles of run.json', async () => {
  const { page } = await open(browser, both);
  const shown = await page.$$eval('[data-histogram]', (all) => all.map((panel) => ({
    name: /** @type {HTMLElement} */ (panel).dataset['histogram'] ?? '',
    charts: panel.querySelectorAll('canvas').length,
    rows: [...panel.querySelectorAll('tbody tr')].map((row) => ({
      run: Number(/** @type {HTMLElement} */ (row).dataset['run']),
      count: row.querySelector('td')?.textContent ?? '',
      ns: [...row.querySelectorAll('td[data-ns]')].map((cell) => Number(/** @type {HTMLElement} */ (cell).dataset['ns'])),
    })),
  })));
  const used = Object.keys(runs[0].histograms).filter((name) => runs[0].histograms[name].count > 0);
  assert.deepEqual(shown.map(({ name }) => name).sort(), used.sort());
  for (const { name, charts, rows } of shown) {
    assert.equal(charts, 1, name);
    assert.equal(rows.length, runs.length, name);
    for (const { run, count, ns } of rows) {
      const { p50, p99, max, count: all } = runs[run].histograms[name];
      assert.equal(number(count), all, name);
      assert.deepEqual([ns[0], ns[2], ns[4]], [p50, p99, max], name);
      assert.ok((ns[1] ?? 0) >= (ns[0] ?? 0) && (ns[3] ?? 0) <= max, `${name}: ${ns}`);
    }
  }
  await page.close();
});

test('failures by cause and outcomes are those of run.json', async () => {
  const run = exampleRun('stock.json');
  const { page } = await open(browser, makePage('stock', [storeRun('stock', run)]));
  for (const kind of ['user_failures_by_cause', 'user_failures_by_errno', 'unloads_by_outcome']) {
    const shown = await page.$$eval(`[data-kind="${kind}"] tbody tr`, (all) => all.map((row) =>
      [row.querySelector('th')?.textContent ?? '', row.querySelector('.count')?.textContent ?? '']));
    const parts = Object.fromEntries(shown.map(([key, count]) => [key, number(count ?? '')]));
    assert.deepEqual(parts, run.counters[kind], kind);
    assert.ok(shown.length > 0, kind);
  }
  await page.close();
});

test('the series add up to the totals of run.json', async () => {
  const { page } = await open(browser, both);
  for (const box of await page.$$('input[name="line"]')) await box.check();
  await page.click('.over-time[data-run="0"] details summary');
  await page.waitForSelector('.over-time[data-run="0"] details table');
  const heads = await page.$$eval('.over-time[data-run="0"] details thead th', (all) => all.map((cell) => cell.textContent ?? ''));
  const rows = await page.$$eval('.over-time[data-run="0"] details tbody tr', (all) =>
    all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent ?? '')));
  const last = runs[0].series.at(-1);
  const first = runs[0].series[0];
  assert.ok(heads.length >= 5, heads.join());
  heads.forEach((head, i) => {
    const name = head.replaceAll(' ', '_');
    const sum = rows.reduce((all, row) => all + number(row[i] ?? ''), 0);
    assert.equal(sum, last[name] - first[name], head);
  });
  await page.close();
});

test('ratios and benchmarks are those of their files', async () => {
  const { page } = await open(browser, both);
  const { ratios } = JSON.parse(readFileSync(join(benchFolder, 'ratios.json'), 'utf8'));
  const shown = await page.$$eval('[data-ratio]', (all) => all.map((row) => [
    /** @type {HTMLElement} */ (row).dataset['ratio'], Number(/** @type {HTMLElement} */ (row).dataset['value']),
    row.querySelector('td:last-child')?.textContent?.includes('met'),
  ]));
  assert.deepEqual(shown, ratios.map((/** @type {any} */ one) => [one.name, one.value, one.met]));
  const names = await page.$$eval('[data-benchmark]', (all) => all.map((row) => /** @type {HTMLElement} */ (row).dataset['benchmark']));
  const file = JSON.parse(readFileSync(join(benchFolder, '6.12', 'pairs.json'), 'utf8'));
  assert.equal(names.length, new Set(file.benchmarks.map((/** @type {any} */ one) => one.run_name)).size);
  await page.close();
});

test('under each chart stands the command that made it', async () => {
  const { page } = await open(browser, both);
  const without = await page.$$eval('figure, details.benchmarks', (all) =>
    all.filter((one) => !/raceless storm|make bench/.test(one.querySelector('.made code')?.textContent ?? '')).length);
  assert.equal(without, 0);
  await page.close();
});

test('zoom: buttons, keys and the mouse, in all charts at once', async () => {
  const { page, errors } = await open(browser, both);
  const range = async () => ((await page.textContent('output.range')) ?? '').match(/[\d.]+/g)?.map(Number) ?? [];
  const [from, to] = /** @type {[number, number]} */ (await range());
  const whole = await pictures(page);
  assert.equal(whole.length, 2);

  await page.click('button[aria-label="zoom in"]');
  const [left, right] = /** @type {[number, number]} */ (await range());
  assert.ok(Math.abs((right - left) / (to - from) - 0.5) < 0.02, `${left} to ${right}`);
  const zoomed = await pictures(page);
  zoomed.forEach((picture, i) => assert.notEqual(picture, whole[i], `chart ${i} did not change`));

  await page.focus('.over-time[data-run="1"] .plot');
  await page.keyboard.press('ArrowLeft');
  const [moved] = /** @type {[number]} */ (await range());
  assert.ok(moved < left);
  await page.keyboard.press('+');
  await page.keyboard.press('0');
  assert.deepEqual(await range(), [from, to]);
  assert.deepEqual(await pictures(page), whole);

  const over = page.locator('.over-time[data-run="0"] .u-over');
  await over.scrollIntoViewIfNeeded();
  const area = await over.boundingBox();
  assert.ok(area);
  await page.mouse.move(area.x + area.width * 0.25, area.y + 50);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.75, area.y + 60, { steps: 5 });
  await page.mouse.up();
  const [dragFrom, dragTo] = /** @type {[number, number]} */ (await range());
  assert.ok(Math.abs(dragFrom - (from + (to - from) * 0.25)) < (to - from) * 0.03, `${dragFrom}`);
  assert.ok(Math.abs(dragTo - (from + (to - from) * 0.75)) < (to - from) * 0.03, `${dragTo}`);
  await page.click('button[aria-label="show all of the time"]');
  assert.deepEqual(await range(), [from, to]);
  assert.deepEqual(errors, []);
  await page.close();
});

test('lines can be taken out and put back; scale and averaging change them', async () => {
  const { page, errors } = await open(browser, both);
  const whole = await pictures(page);
  const box = page.locator('input[name="line"][value="uses"]');
  assert.ok(await box.isChecked());
  await box.focus();
  await page.keyboard.press('Space');
  const without = await pictures(page);
  without.forEach((picture, i) => assert.notEqual(picture, whole[i]));
  assert.equal(await page.locator('.over-time[data-run="0"] .u-legend .u-label', { hasText: /^uses$/ }).count(), 0);
  await page.keyboard.press('Space');
  assert.deepEqual(await pictures(page), whole);
  await page.check('input[name="log"]');
  (await pictures(page)).forEach((picture, i) => assert.notEqual(picture, whole[i]));
  await page.uncheck('input[name="log"]');
  await page.selectOption('select[name="averaged"]', '0');
  (await pictures(page)).forEach((picture, i) => assert.notEqual(picture, whole[i]));
  assert.deepEqual(errors, []);
  await page.close();
});

test('everything can be reached with the keyboard', async () => {
  const { page } = await open(browser, both);
  const wanted = await page.$$eval('input, select, button, summary, .plot[tabindex], .scroll', (all) => all.length);
  const seen = new Set();
  for (let i = 0; i < wanted + 5; i++) {
    await page.keyboard.press('Tab');
    seen.add(await page.evaluate(() => {
      const all = [...document.querySelectorAll('*')];
      return document.activeElement ? all.indexOf(document.activeElement) : -1;
    }));
  }
  assert.ok(seen.size >= wanted, `${seen.size} of ${wanted}`);
  await page.close();
});

test('lines differ without colour, verdicts have words', async () => {
  const { page } = await open(browser, both);
  const dashes = await page.$$eval('.lines .swatch line', (all) => all.slice(0, 8).map((one) => one.getAttribute('stroke-dasharray')));
  assert.equal(new Set(dashes).size, dashes.length);
  const words = await page.$$eval('.ratios td:last-child.pass, .ratios td:last-child.fail', (all) => all.map((one) => one.textContent));
  assert.ok(words.length > 0 && words.every((word) => word === '✓ met' || word === '✗ missed'));
  await page.close();
});

test('dark and light follow the system, charts too', async () => {
  const { page, errors } = await open(browser, both, { colorScheme: 'light' });
  const paper = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const [light, lightPictures] = [await paper(), await pictures(page)];
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await paper(), light);
  // Who listens for it is told with the next frame.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  (await pictures(page)).forEach((picture, i) => assert.notEqual(picture, lightPictures[i]));
  assert.deepEqual(errors, []);
  await page.close();
});

test('a narrow screen scrolls tables, not the page', async () => {
  // Names that have no place to break, as long as a path may be.
  const long = 'as_long_as_the_name_of_a_folder_may_be'.repeat(6);
  cpSync(benchFolder, join(folder, long), { recursive: true });
  const path = makePage('narrow', [storeRun(`${long}_one`, runs[0]), storeRun(`${long}_two`, gated), join(folder, long)]);
  const { page } = await open(browser, path, { viewport: { width: 390, height: 800 } });
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.equal(content, screen);
  await page.close();
});

test('markup in a run file is text', async () => {
  const evil = '</script><img src=x onerror="document.title=\'run\'"><b id=evil>&lt;!--';
  const run = exampleRun();
  run.parameters.target = `module:${evil}`;
  run.parameters.workload = evil;
  run.context.kernel = evil;
  run.context.commit = evil;
  run.verdict = { result: 'fail', nr_broken: 1, broken: [{ promise: 3, what: evil, when_ns: 1, thread: evil, instance: 1 }] };
  run.counters.user_failures_by_errno = { [evil]: 1 };
  run.histograms[`${evil}_ns`] = run.histograms.get_ns;
  run.leaks.found = [{ what: evil, caller: evil, count: 1, bytes: 8 }];
  run.tracing.missing = [evil];
  const { page, errors, requests } = await open(browser, makePage('evil', [storeRun('evil', run)]));
  await page.waitForTimeout(200);
  assert.equal(await page.title(), 'raceless report');
  assert.equal(await page.locator('img, #evil').count(), 0);
  assert.ok(((await page.textContent('main')) ?? '').includes(evil));
  assert.deepEqual(errors, []);
  assert.deepEqual(requests, []);
  await page.close();
});

test('a million samples', async (context) => {
  const path = makePage('long', [storeLongRun('long', 1_000_000)]);
  const bytes = statSync(path).size;
  assert.ok(bytes < 10e6, `${bytes} bytes`);
  const begin = performance.now();
  const { page, errors } = await open(browser, path);
  const opened = performance.now() - begin;
  const note = (await page.textContent('.over-time h3')) ?? '';
  context.diagnostic(`opened in ${(opened / 1000).toFixed(2)} s, ${(bytes / 1e6).toFixed(1)} MB, ${note}`);
  await page.click('button[aria-label="zoom in"]');
  assert.deepEqual(errors, []);
  await page.close();
});
