// SPDX-License-Identifier: GPL-2.0
// Unpacks a run's series: base64 of zlib's deflate of each column, one after the other, as
// differences in zigzag varints (controller/report/series.cpp).
import type { PackedSeries } from './data';

export interface Series {
  names: string[]; // without time_ms
  seconds: Float64Array;
  totals: Float64Array[]; // cumulative, in the order of the names
}

async function inflate(packed: string): Promise<Uint8Array> {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function column(bytes: Uint8Array, from: number, rows: number): [Float64Array, number] {
  const values = new Float64Array(rows);
  let at = from;
  let value = 0;
  for (let row = 0; row < rows; row++) {
    let zigzag = bytes[at++]!;
    if (zigzag >= 128) {
      zigzag -= 128;
      let scale = 128;
      let byte = bytes[at++]!;
      for (; byte >= 128; byte = bytes[at++]!) {
        zigzag += (byte - 128) * scale;
        scale *= 128;
      }
      zigzag += byte * scale;
    }
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    values[row] = value;
  }
  return [values, at];
}

export async function unpack(packed: PackedSeries): Promise<Series> {
  const bytes = await inflate(packed.packed);
  const names: string[] = [];
  const totals: Float64Array[] = [];
  let seconds = new Float64Array(0);
  let at = 0;
  for (const name of packed.names) {
    const [values, end] = column(bytes, at, packed.shown);
    at = end;
    if (name === 'time_ms') {
      seconds = values.map((ms) => ms / 1000);
    } else {
      names.push(name);
      totals.push(values);
    }
  }
  return { names, seconds, totals };
}

// So many rows, at least one, are about as long.
export function rowsIn(series: Series, seconds: number): number {
  const rows = series.seconds.length;
  if (rows < 2) return 1;
  const step = (series.seconds[rows - 1]! - series.seconds[0]!) / (rows - 1);
  return step > 0 ? Math.max(1, Math.round(seconds / step)) : 1;
}

// Per second, each over the `rows` rows before it, as far as there are so many.
export function rates(series: Series, totals: Float64Array, rows: number): Float32Array {
  const { seconds } = series;
  const out = new Float32Array(seconds.length);
  for (let i = 1; i < seconds.length; i++) {
    const from = Math.max(0, i - rows);
    const time = seconds[i]! - seconds[from]!;
    out[i] = time > 0 ? (totals[i]! - totals[from]!) / time : 0;
  }
  if (out.length > 1) out[0] = out[1]!;
  return out;
}
