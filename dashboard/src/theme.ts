// SPDX-License-Identifier: GPL-2.0
// What charts share with the style sheet: colours, and the dashes that tell lines apart without them.

export interface Line {
  color: string;
  dash: number[];
}

// Okabe and Ito's colours, in the order of the most different first; page.css has them for both
// themes as --line-0 to --line-7.
const DASHES: number[][] = [[], [6, 3], [2, 2], [10, 3, 2, 3], [4, 4], [12, 4], [1, 3], [8, 2, 2, 2, 2, 2]];

export const style = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function line(index: number): Line {
  const which = index % DASHES.length;
  return { color: style(`--line-${which}`), dash: DASHES[which]! };
}

const themeChanges = matchMedia('(prefers-color-scheme: dark)');

// Charts are drawn, not styled: draw them again.
export const onThemeChange = (redraw: () => void): void =>
  themeChanges.addEventListener('change', redraw);
