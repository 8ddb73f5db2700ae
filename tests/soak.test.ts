import { obtainMinio, toolchainContext } from '@farm/toolchain';
import { describe, expect, it } from 'vitest';
import { describeSoak, faultsNotMet, runSoak } from './soak/index.js';

const minio = await obtainMinio(toolchainContext());

describe.skipIf('reason' in minio)('a farm whose Redis, storage and processes are disturbed at single steps', () => {
  it('loses nothing: the same frames, each committed once, and nothing left waiting', async () => {
    const lines: string[] = [];
    const result = await runSoak({
      rounds: 25,
      seed: 1028,
      inFlight: 4,
      workerCount: 2,
      toolchain: toolchainContext(),
      report: (line) => lines.push(line),
      keepOnFailure: false,
    });
    const failures = lines.filter((line) => line.startsWith('FAILED'));
    expect([...failures, ...result.problems], describeSoak(result)).toEqual([]);
    expect(result.rounds).toHaveLength(25);
    // A step that is never met would be tested by nobody; an encoder to kill may have ended by itself.
    expect(result.rounds.flatMap(faultsNotMet).length, describeSoak(result)).toBeLessThan(3);
  }, 600_000);
});
