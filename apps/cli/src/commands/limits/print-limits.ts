import type { OwnerLimits } from '../../client/index.js';
import type { Output } from '../../output/output.js';
import { table } from '../../output/table.js';

interface PrintOptions {
  readonly owner: string;
  readonly output: Output;
  readonly json: true | undefined;
}

export function printLimits(limits: OwnerLimits, { owner, output, json }: PrintOptions): void {
  if (json) {
    output.json({ owner, ...limits });
    return;
  }
  const { requestsPerMinute, unendedJobs } = limits;
  const row = [owner, String(requestsPerMinute), String(unendedJobs)];
  output.line(table(['OWNER', 'REQUESTS A MINUTE', 'UNENDED JOBS'], [row], output.paint));
}
