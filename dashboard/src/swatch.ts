// SPDX-License-Identifier: GPL-2.0
// A short piece of a chart's line, for legends.
import { svg } from './dom';

import { line } from './theme';

export function swatch(index: number): SVGElement {
  return svg('svg', { class: 'swatch', viewBox: '0 0 26 8', width: 26, height: 8, 'aria-hidden': 'true' },
    svg('line', {
      x1: 0, y1: 4, x2: 26, y2: 4, 'stroke-width': 2,
      style: `stroke: var(--line-${index % 8})`,
      'stroke-dasharray': line(index).dash.join(' '),
    }));
}
