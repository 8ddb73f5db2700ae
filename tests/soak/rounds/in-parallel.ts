/** Calls `run` for every index from `first` to below `last`, so many at a time, until `signal` aborts. */
export async function inParallel(
  range: { first: number; last: number; inFlight: number; signal: AbortSignal | undefined },
  run: (index: number) => Promise<void>,
): Promise<void> {
  let next = range.first;
  const lane = async () => {
    while (next < range.last && !range.signal?.aborted) {
      next += 1;
      await run(next - 1);
    }
  };
  await Promise.all(Array.from({ length: range.inFlight }, lane));
}
