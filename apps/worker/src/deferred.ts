/** A promise that others settle. Waiting for it is optional: a rejection that nobody awaits is not an unhandled one. */
export interface Deferred<Value> {
  promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

export function deferred<Value>(): Deferred<Value> {
  const result = {} as Deferred<Value>;
  result.promise = new Promise<Value>((resolve, reject) => Object.assign(result, { resolve, reject }));
  result.promise.catch(() => {});
  return result;
}
