/**
 * Latencies in milliseconds, by nearest rank. On a busy machine the 10th percentile comes close to what an idle one
 * would show; with fewer than 100 samples the 99th is the slowest one.
 * @param {number[]} samples at least one
 */
export function latency(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share) => round(sorted[Math.ceil(share * sorted.length) - 1]);
  return { count: sorted.length, p10Ms: at(0.1), p50Ms: at(0.5), p99Ms: at(0.99) };
}

export const median = (samples) => [...samples].sort((a, b) => a - b)[Math.ceil(samples.length / 2) - 1];

/** Four decimal places: a tenth of a microsecond, in milliseconds. */
export const round = (value) => Math.round(value * 1e4) / 1e4;
