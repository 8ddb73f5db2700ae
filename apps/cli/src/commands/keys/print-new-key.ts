import type { KeyWithSecret } from '../../client/index.js';
import type { Output } from '../../output/output.js';

/** The secret alone on stdout, so that it can go into a file. */
export function printNewKey(key: KeyWithSecret, { output, json }: { output: Output; json: true | undefined }): void {
  if (json) {
    output.json(key);
    return;
  }
  output.line(key.secret);
  output.note(`Key ${key.id} of ${key.owner}, role ${key.role}. The secret is not shown again.`);
}
