// SPDX-License-Identifier: GPL-2.0
// node bundle.mjs OUT: makes the page, one file with all that it needs but the data, which
// `raceless report` puts where @DATA@ stands.
import { build } from 'esbuild';
import { readFile, writeFile } from 'node:fs/promises';

const source = new URL('src/', import.meta.url);
const bundle = async (/** @type {string} */ file) => {
  const { outputFiles } = await build({
    entryPoints: [new URL(file, source).pathname],
    bundle: true,
    minify: true,
    write: false,
    charset: 'utf8',
    format: 'iife',
    target: ['chrome100', 'firefox113', 'safari16.4'],
  });
  return outputFiles[0]?.text.trim() ?? '';
};

const page = await readFile(new URL('page.html', source), 'utf8');
const parts = { '@STYLE@': await bundle('page.css'), '@SCRIPT@': await bundle('main.ts') };
const out = process.argv[2];
if (!out) throw new Error('usage: node bundle.mjs OUT');
// A replacement text may hold "$&": a function's result is taken as it is.
await writeFile(out, page.replace(/@STYLE@|@SCRIPT@/g, (mark) => parts[/** @type {keyof typeof parts} */ (mark)]));
