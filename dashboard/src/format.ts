// SPDX-License-Identifier: GPL-2.0
// Numbers as text.

export const whole = (value: number): string => value.toLocaleString('en-US');

// Three digits that count.
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(value / 1e9)}G`;
  if (size >= 1e6) return `${digits(value / 1e6)}M`;
  if (size >= 1e4) return `${digits(value / 1e3)}k`;
  return digits(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trim(value.toFixed(1));
  if (size >= 1) return trim(value.toFixed(2));
  return trim(value.toPrecision(2));
}

const trim = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);

export function duration(ns: number): string {
  if (ns < 1e3) return `${whole(ns)} ns`;
  if (ns < 1e6) return `${digits(ns / 1e3)} µs`;
  if (ns < 1e9) return `${digits(ns / 1e6)} ms`;
  if (ns < 120e9) return `${digits(ns / 1e9)} s`;
  return ns < 7200e9 ? `${digits(ns / 60e9)} min` : `${digits(ns / 3600e9)} h`;
}

export function percent(part: number, all: number): string {
  if (all === 0) return '';
  const share = (100 * part) / all;
  if (part !== 0 && share < 0.1) return '< 0.1 %';
  if (part !== all && share > 99.9) return '> 99.9 %';
  return `${share.toFixed(1)} %`;
}

// "reload wait" of "reload_wait_ns".
export const words = (name: string): string => name.replace(/_ns$/, '').replaceAll('_', ' ');
