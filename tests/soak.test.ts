import { obtainMinio, toolchainContext } from '@farm/toolchain';
import { describe, expect, it } from 'vitest';
import { describeSoak, runSoak } from './soak/index.js';

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
    // The faults did happen.
    expect(result.rounds.flatMap((round) => round.fired).length).toBeGreaterThan(20);
  }, 600_000);
});
