// SPDX-License-Identifier: GPL-2.0
// What `raceless report` puts into the page. controller/report/page.cpp writes it; docs/run.md says
// what is in a run.

export interface Histogram {
  count: number;
  sum: number;
  max: number;
  p50: number;
  p99: number;
  buckets: [number, number][];
}

export type Breakdown = Record<string, number>;

export interface Crew {
  threads: number;
}

export interface RunFile {
  verdict: {
    result: 'pass' | 'fail';
    nr_broken: number;
    broken: { promise: number; what: string; when_ns: number; thread: string; instance: number }[];
  };
  context: {
    kernel: string;
    accel: string;
    vcpus: number;
    commit: string;
    gate: string;
    seed: number;
    started: string;
    elapsed_ns: number;
    interrupted: boolean;
  };
  parameters: { target: string; workload: string; loaders: Crew; unloaders: Crew; consumers: Crew };
  counters: Record<string, number | Breakdown>;
  leaks: {
    rests: number;
    slab_callers: boolean;
    found: { what: string; caller: string; count: number; bytes: number }[];
  };
  histograms: Record<string, Histogram>;
  tracing: { on: boolean; missing: string[] };
  drops: Record<string, number>;
}

// Cumulative counters, packed: see series.ts.
export interface PackedSeries {
  names: string[];
  rows: number; // in run.json
  shown: number; // of them in here
  packed: string;
}

export interface Run {
  path: string;
  command: string;
  run: RunFile;
  series: PackedSeries;
}

export interface Ratio {
  name: string;
  numerator: string;
  denominator: string;
  value: number;
  spread: [number, number];
  direction: '<=' | '>=';
  goal: number;
  met: boolean;
  kernel: string;
  accel: string;
  vcpus: string;
  commit: string;
  clock: string;
}

// The repetitions of one benchmark.
export interface Benchmark {
  name: string;
  unit: string;
  repetitions: number;
  least: number;
  median: number;
  most: number;
}

export interface BenchmarkFile {
  path: string;
  command: string;
  context: { kernel: string; accel: string; vcpus: string; commit: string; clock: string };
  benchmarks: Benchmark[];
}

export interface Data {
  made: { command: string; time: string };
  runs: Run[];
  ratios: { path: string; command: string; ratios: Ratio[] }[];
  benchmarks: BenchmarkFile[];
}

export const letter = (index: number): string => String.fromCharCode(65 + index);

// "6.12" of "6.12.117+deb12-cloud-amd64"; "6.12-rt" of "6.12.117+deb12-rt-amd64".
export function kernelSeries(release: string): string {
  const version = /^\d+\.\d+/.exec(release)?.[0] ?? release;
  return /-rt\b/.test(release) ? `${version}-rt` : version;
}

export function counter(run: RunFile, name: string): number {
  const value = run.counters[name];
  return typeof value === 'number' ? value : 0;
}

export function breakdown(run: RunFile, name: string): Breakdown {
  const value = run.counters[name];
  return typeof value === 'object' ? value : {};
}
