// SPDX-License-Identifier: GPL-2.0
// Debian's Chromium, without a network of its own, and a page in it.
import { chromium } from 'playwright-core';

export const launch = () =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/**
 * Opens a page from disk and waits until it is drawn. What it complained about, and what it asked a
 * network for, is in `errors` and `requests`.
 * @param {import('playwright-core').Browser} browser
 * @param {string} path
 * @param {import('playwright-core').BrowserContextOptions} [options]
 */
export async function open(browser, path, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  /** @type {string[]} */
  const errors = [];
  /** @type {string[]} */
  const requests = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('blob:')) requests.push(request.url());
  });
  await page.goto(`file://${path}`);
  await page.waitForSelector('html[data-ready]', { state: 'attached', timeout: 60000 });
  return { page, errors, requests };
}
