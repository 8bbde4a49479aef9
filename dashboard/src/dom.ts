// SPDX-License-Identifier: GPL-2.0
// Elements. Text becomes text nodes and nothing else: what a run file holds is never markup.

export type Child = Node | string | number | null;
type Attributes = Record<string, string | number | boolean | undefined>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  set(made, attributes);
  fill(made, children);
  return made;
}

export function svg(tag: string, attributes: Attributes, ...children: Child[]): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(made, attributes);
  fill(made, children);
  return made;
}

function set(made: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
}

function fill(made: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null) continue;
    made.append(typeof child === 'number' ? String(child) : child);
  }
}

// Wider than the screen, a table scrolls in itself.
export const scrolling = (table: HTMLElement, label: string): HTMLElement =>
  element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label }, table);

export const section = (id: string, title: string, ...children: Child[]): HTMLElement =>
  element('section', { id, 'aria-labelledby': `${id}-title` },
    element('h2', { id: `${id}-title` }, title), ...children);

// What stands under each chart. Many commands are one line until they are asked for.
export function madeBy(...commands: string[]): HTMLElement {
  const all = [...new Set(commands)].map((command) => element('code', {}, command));
  if (all.length === 1) return element('p', { class: 'made' }, 'made by ', all[0]!);
  return element('details', { class: 'made' }, element('summary', {}, `made by ${all.length} commands`), ...all);
}
