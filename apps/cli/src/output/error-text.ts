import { ApiError } from '@farm/client';

const INTERRUPTED = 'Interrupted.';

/** A failure for a person: the sentence, then the fields that were refused, then what to do. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return INTERRUPTED;
  if (!(error instanceof ApiError)) return error.message;
  const lines = [error.message];
  const fields = fieldErrors(error).map(({ path, message }) => `${path}: ${message}`);
  // The problem's own sentence may be that of its only wrong field.
  for (const field of fields) if (field !== error.message) lines.push(`  ${field}`);
  if (error.status === 401) {
    lines.push(
      'Give a key with --key, --key-file or FARM_KEY. A farm on this machine keeps its own in DATA/admin.key.',
    );
  }
  return lines.join('\n');
}

/** An error as `--json` prints it. */
export function errorDocument(error: unknown): { code: string; message: string; problem?: unknown } {
  if (error instanceof Error && error.name === 'AbortError') return { code: 'interrupted', message: INTERRUPTED };
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ApiError) return { code: error.code, message, problem: error.problem };
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected';
  return { code, message };
}

function fieldErrors(error: ApiError): Array<{ path: string; message: string }> {
  const { errors } = error.problem;
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const { path, field, message, detail } = entry as Record<string, unknown>;
    const text = message ?? detail;
    return typeof text === 'string' ? [{ path: String(path ?? field ?? ''), message: text }] : [];
  });
}
