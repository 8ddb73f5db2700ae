import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { VramClass } from '@farm/contracts';

const run = promisify(execFile);

export interface Gpu {
  name: string;
  memoryMiB: number;
}

/** The first card that `nvidia-smi` shows to this process; undefined where there is none. */
export async function probeGpu(): Promise<Gpu | undefined> {
  try {
    const { stdout } = await run(
      'nvidia-smi',
      ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits', ...visibleCard()],
      { timeout: 10_000 },
    );
    const [name, memory] = stdout.split('\n')[0]?.split(', ') ?? [];
    return name && memory ? { name, memoryMiB: Number(memory) } : undefined;
  } catch {
    return undefined;
  }
}

function visibleCard(): string[] {
  const first = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0];
  return first ? ['-i', first] : [];
}

/** Cards report somewhat less than their name says (24 GB: 24,564 MiB; 80 GB: 81,559 MiB). */
export function vramClassOf(memoryMiB: number): VramClass | undefined {
  if (memoryMiB >= 79_000) return '80g';
  if (memoryMiB >= 45_000) return '48g';
  if (memoryMiB >= 22_000) return '24g';
  if (memoryMiB >= 15_000) return '16g';
  return undefined;
}
