// SPDX-License-Identifier: GPL-2.0
// node screenshot.mjs PAGE PICTURE: the top of a page, as a person sees it.
import { launch, open } from './tests/browser.mjs';

const [path, picture] = process.argv.slice(2);
if (!path || !picture) throw new Error('usage: node screenshot.mjs PAGE PICTURE');
const browser = await launch();
const { page } = await open(browser, path, { viewport: { width: 1100, height: 1290 }, colorScheme: 'light' });
await page.screenshot({ path: picture });
await browser.close();
