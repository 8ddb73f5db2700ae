import { z } from 'zod';
import { type Finding, fine, note, problem } from './finding.js';
import { absence } from './judge-programs.js';
import type { MachineProbe } from './probe-results.js';
import type { Card } from './read-nvidia-smi.js';
import { isAtLeast, versionIn } from './version.js';

const OLDEST_TORCH = [2, 8];
/** Oldest driver for any minor version of a CUDA release (NVIDIA, "CUDA Compatibility", minor version compatibility). */
const oldestDriver: Readonly<Record<number, number>> = { 11: 450, 12: 525, 13: 580 };
/** The command that installs PyTorch depends on the system; its own site shows it. */
const SELECTOR = "the selector on PyTorch's site shows the command";

const TorchFacts = z.object({
  version: z.string(),
  cuda: z.string().nullable(),
  hip: z.string().nullable(),
  available: z.boolean(),
  architectures: z.array(z.string()),
  devices: z.array(
    z.object({
      name: z.string(),
      capability: z.tuple([z.int(), z.int()]),
      memoryBytes: z.number(),
      trial: z.string(),
    }),
  ),
  warnings: z.array(z.string()),
});
type TorchFacts = z.infer<typeof TorchFacts>;

export interface TorchContext {
  readonly needsGpu: boolean;
  /** Cards that nvidia-smi shows; undefined where it shows none. */
  readonly cards: readonly Card[] | undefined;
}

/** Whether PyTorch is there, fits the driver and has code for the cards. */
export function judgeTorch(probe: MachineProbe, context: TorchContext): Finding[] {
  const { torch } = probe;
  if (torch.kind !== 'ran' || torch.exitCode !== 0) return [judgeAbsence(probe, context)];
  const facts = TorchFacts.parse(JSON.parse(torch.stdout.trim().split('\n').at(-1) ?? ''));
  if (!isAtLeast(versionIn(facts.version) ?? [], OLDEST_TORCH)) {
    const found = `PyTorch ${facts.version} is too old; the liveavatar engine needs 2.8.`;
    return [
      problem('pytorch', found, `Install PyTorch 2.8 or newer (${SELECTOR}).`),
      ...judgeDevices(facts, probe, context),
    ];
  }
  if (context.cards === undefined && !context.needsGpu) {
    return [fine('pytorch', `PyTorch ${facts.version}; without a card the farm does not use it`)];
  }
  const findings = judgeBuild(facts, probe, context) ?? judgeDevices(facts, probe, context);
  return findings.length > 0
    ? findings
    : [fine('pytorch', `PyTorch ${facts.version} computes on ${deviceNames(facts)}`)];
}

function judgeAbsence({ torch }: MachineProbe, { needsGpu }: TorchContext): Finding {
  const isMissing = torch.kind === 'missing' || (torch.kind === 'ran' && /No module named 'torch'/.test(torch.stderr));
  if (isMissing) {
    const found = 'PyTorch is not installed; the liveavatar engine needs it, the draft engine does not.';
    const remedy = '`farm up --engine liveavatar` installs it; or set FARM_PYTHON to a Python that has it.';
    return needsGpu ? problem('pytorch', found, remedy) : note('pytorch', found);
  }
  const remedy = `Install PyTorch again, in an environment of its own (${SELECTOR}).`;
  return problem('pytorch', `PyTorch cannot be loaded: it ${absence(torch)}.`, remedy);
}

/** Why this build cannot use any card; undefined where it may compute. */
function judgeBuild(facts: TorchFacts, probe: MachineProbe, { cards }: TorchContext): Finding[] | undefined {
  const driver = versionIn(cards?.[0]?.driverVersion ?? '');
  if (facts.cuda === null) {
    const kind = facts.hip === null ? 'for the CPU only' : 'for AMD cards (ROCm)';
    const found = `PyTorch ${facts.version} was built ${kind}: it cannot use an NVIDIA card.`;
    return [problem('pytorch', found, `Install the build for ${buildFor(driver)} (${SELECTOR}).`)];
  }
  const least = oldestDriver[Number.parseInt(facts.cuda, 10)];
  if (driver !== undefined && least !== undefined && !isAtLeast(driver, [least])) {
    const supported = supportedCuda(facts);
    const found =
      `The driver (${cards?.[0]?.driverVersion}) is too old for this PyTorch: ${facts.version} was built for CUDA ${facts.cuda}, ` +
      `which needs driver ${least} or newer${supported ? `; this one goes up to CUDA ${supported}` : ''}.`;
    return [problem('pytorch', found, remedyForDriver(driver, least))];
  }
  if (facts.available) return undefined;
  if (cards === undefined) {
    const found = `PyTorch ${facts.version} sees no card. ${firstWarning(facts)}`.trim();
    return [problem('pytorch', found, 'Fix the driver first: see above.')];
  }
  return [judgeUnavailable(facts, probe)];
}

function judgeUnavailable(facts: TorchFacts, { visibleDevices }: MachineProbe): Finding {
  const found = `PyTorch ${facts.version} cannot use the cards that nvidia-smi shows. ${firstWarning(facts)}`.trim();
  if (visibleDevices !== undefined) {
    const remedy = `CUDA_VISIBLE_DEVICES is "${visibleDevices}": unset it, or name cards that exist.`;
    return problem('pytorch', found, remedy);
  }
  const remedy =
    'Restart the machine, or run `modprobe nvidia_uvm`; in a container, restart it with the NVIDIA runtime (--gpus all).';
  return problem('pytorch', found, remedy);
}

/** What is wrong with single devices. */
function judgeDevices(facts: TorchFacts, { visibleDevices }: MachineProbe, { cards }: TorchContext): Finding[] {
  const findings = facts.devices.flatMap((device): Finding[] => {
    const capability = device.capability.join('.');
    if (!hasCodeFor(facts.architectures, device.capability)) {
      const found =
        `PyTorch ${facts.version} has no code for ${device.name} (compute capability ${capability}); ` +
        `it has code for ${facts.architectures.join(', ')}.`;
      return [problem('pytorch', found, `Install ${torchFor(device.capability)} (${SELECTOR}).`)];
    }
    if (device.trial === 'ok') return [];
    const remedy = /ECC/.test(device.trial)
      ? 'The memory of the card is damaged: restart the machine; if it happens again, replace the card.'
      : 'Restart the machine; if it happens again, reinstall driver and PyTorch.';
    return [
      problem('pytorch', `A small matrix product on ${device.name} failed: ${device.trial.split('\n')[0]}`, remedy),
    ];
  });
  const whole = cards?.filter((card) => !card.isDivided) ?? [];
  if (facts.available && facts.devices.length < whole.length) {
    const found = `PyTorch sees ${facts.devices.length} of ${whole.length} cards.`;
    findings.push(note('pytorch', found, hintForHidden(visibleDevices)));
  }
  return findings;
}

/** Compiled code runs on its own major version from its minor version on; PTX (`compute_`) runs on anything newer. */
function hasCodeFor(architectures: readonly string[], [major, minor]: readonly [number, number]): boolean {
  return architectures.some((architecture) => {
    const match = /^(sm|compute)_(\d+)(\d)[af]?$/.exec(architecture);
    if (match === null) return false;
    const [builtMajor, builtMinor] = [Number(match[2]), Number(match[3])];
    if (match[1] === 'compute') return major > builtMajor || (major === builtMajor && minor >= builtMinor);
    return major === builtMajor && minor >= builtMinor;
  });
}

/** Blackwell (10 and 12) came with CUDA 12.8; what is older than the oldest code was dropped. */
function torchFor([major]: readonly [number, number]): string {
  return major >= 10
    ? 'a build of PyTorch 2.8 or newer for CUDA 12.8 or newer'
    : 'a build of PyTorch that has code for it';
}

function buildFor(driver: readonly number[] | undefined): string {
  if (driver === undefined || isAtLeast(driver, [580])) return 'CUDA 13';
  return isAtLeast(driver, [525]) ? 'CUDA 12.8' : 'CUDA 12.8 and update the driver to 580';
}

function remedyForDriver(driver: readonly number[], least: number): string {
  const update = `Update the NVIDIA driver to ${Math.max(least, 580)} or newer`;
  if (least > 525 && isAtLeast(driver, [525]))
    return `${update}, or install the build of PyTorch for CUDA 12.8 (${SELECTOR}).`;
  return `${update}; no build of PyTorch 2.8 works with this one.`;
}

/** PyTorch says 11040 for CUDA 11.4. */
function supportedCuda({ warnings }: TorchFacts): string | undefined {
  const found = /driver on your system is too old \(found version (\d+)\)/.exec(warnings.join('\n'))?.[1];
  return found === undefined ? undefined : `${Math.floor(Number(found) / 1000)}.${(Number(found) % 1000) / 10}`;
}

function firstWarning({ warnings }: TorchFacts): string {
  const said = warnings.find((warning) => /CUDA|NVML/.test(warning))?.split('\n')[0];
  return said === undefined ? '' : `It says: ${said}`;
}

function hintForHidden(visibleDevices: string | undefined): string {
  return visibleDevices === undefined
    ? 'See nvidia-smi for the state of the others.'
    : `CUDA_VISIBLE_DEVICES is "${visibleDevices}": unset it to use them all.`;
}

function deviceNames({ devices }: TorchFacts): string {
  const counts = new Map<string, number>();
  for (const { name } of devices) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} x ${name}`)).join(', ');
}
