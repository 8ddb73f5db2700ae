import type { z } from 'zod';
import { ConfigurationError } from './configuration-error.js';

/**
 * The settings of one process, checked once at its start.
 *
 * @throws ConfigurationError naming every variable that is missing or wrong, and never showing its value
 */
export function parseEnvironment<Settings>(
  process: string,
  schema: z.ZodType<Settings>,
  variables: NodeJS.ProcessEnv,
): Settings {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    process,
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  );
}
