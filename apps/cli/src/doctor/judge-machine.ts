import type { Finding } from './finding.js';
import { judgeCards } from './judge-cards.js';
import { judgePrograms } from './judge-programs.js';
import { judgeResources } from './judge-resources.js';
import { judgeTorch } from './judge-torch.js';
import type { MachineProbe } from './probe-results.js';

export interface JudgeOptions {
  /** Which engine the machine will run; `auto`: liveavatar where there is an NVIDIA driver, else draft. */
  readonly engine: 'auto' | 'draft' | 'liveavatar';
}

/** Everything that was probed, judged: what fits, what does not, and what to do. Pure. */
export function judgeMachine(probe: MachineProbe, { engine }: JudgeOptions): Finding[] {
  const needsGpu = engine === 'liveavatar' || (engine === 'auto' && probe.nvidiaSmi.kind !== 'missing');
  const programs = judgePrograms(probe);
  const resources = judgeResources(probe, { needsGpu });
  if (engine === 'draft') return [...programs, ...resources];
  const { findings, cards } = judgeCards(probe, { needsGpu });
  return [...programs, ...resources, ...findings, ...judgeTorch(probe, { needsGpu, cards })];
}
