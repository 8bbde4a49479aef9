// SPDX-License-Identifier: GPL-2.0
// The buckets of module/uapi/histogram.h: each power of two in 8 equal parts, up to 2^42.
import type { Histogram } from './data';

const SUB = 8;
const BUCKETS = (42 - 3 + 1) * SUB + 1;

export function lower(bucket: number): number {
  if (bucket < SUB) return bucket;
  const power = Math.floor(bucket / SUB) - 1;
  return (SUB + (bucket % SUB)) * 2 ** power;
}

export const LOWER: readonly number[] = Array.from({ length: BUCKETS }, (_, i) => lower(i));

const BUCKET_OF = new Map(LOWER.map((value, bucket) => [value, bucket]));

// By bucket; a lower bound that is none is an error of the file.
export function counts(histogram: Histogram): Map<number, number> {
  const all = new Map<number, number>();
  for (const [bound, count] of histogram.buckets) {
    const bucket = BUCKET_OF.get(bound);
    if (bucket === undefined) throw new Error(`${bound} is no lower bound of a bucket`);
    all.set(bucket, count);
  }
  return all;
}

// As in controller/histogram.cpp: the upper end of the bucket, and never more than the maximum.
export function quantile(histogram: Histogram, q: number): number {
  const rank = Math.min(Math.max(Math.ceil(q * histogram.count), 1), histogram.count);
  let seen = 0;
  for (const [bucket, count] of [...counts(histogram)].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= rank && bucket + 1 < BUCKETS)
      return Math.min(LOWER[bucket + 1]! - 1, histogram.max);
  }
  return histogram.max;
}
