/**
 * As `Promise.all`, but the first failure aborts the other calls, and all have ended when it rejects: their folder may be
 * removed then.
 */
export async function allOrStop<Results extends readonly unknown[]>(
  signal: AbortSignal,
  calls: { [Index in keyof Results]: (signal: AbortSignal) => Promise<Results[Index]> },
): Promise<Results> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let first: { error: unknown } | undefined;
  const results = await Promise.all(
    calls.map(async (call) => {
      try {
        return await call(either);
      } catch (error) {
        first ??= { error };
        failed.abort(error);
        return undefined;
      }
    }),
  );
  if (first) throw first.error;
  return results as unknown as Results;
}
