import { type Finding, fine, note, problem } from './finding.js';
import { absence, ran } from './judge-programs.js';
import type { MachineProbe, ProbeOutput } from './probe-results.js';
import { type Card, readCards, readMigInstances } from './read-nvidia-smi.js';

/** bfloat16 came with Ampere, 8-bit floating point with Ada and Hopper. */
const LEAST_CAPABILITY = [8, 0] as const;
const FP8_CAPABILITY = [8, 9] as const;
/** The smallest VRAM class, 16g; cards report a little less than their name says. */
const LEAST_MEMORY_MIB = 15_000;

export interface CardsJudgement {
  readonly findings: readonly Finding[];
  /** Undefined where nvidia-smi gave no cards. */
  readonly cards: readonly Card[] | undefined;
}

/** Driver and cards, from the output of nvidia-smi. */
export function judgeCards(
  { nvidiaSmi, nvidiaSmiList }: MachineProbe,
  { needsGpu }: { needsGpu: boolean },
): CardsJudgement {
  if (nvidiaSmi.kind === 'missing') {
    const found = 'No NVIDIA driver (nvidia-smi is not on the PATH): only the draft engine can run here.';
    const remedy = 'Install the NVIDIA driver; in a container, start it with the NVIDIA runtime (--gpus all).';
    return { findings: [needsGpu ? problem('driver', found, remedy) : note('driver', found)], cards: undefined };
  }
  if (!ran(nvidiaSmi)) return { findings: [judgeDriverFailure(nvidiaSmi)], cards: undefined };
  const cards = readCards(nvidiaSmi.stdout);
  const versions = [...new Set(cards.map((card) => card.driverVersion))];
  const instances = nvidiaSmiList.kind === 'ran' ? nvidiaSmiList.stdout : '';
  const someCardFits = cards.some((card) => refusalOf(card) === undefined);
  const findings = cards.map((card) => judgeCard(card, { instances, someCardFits }));
  return { findings: [fine('driver', `NVIDIA driver ${versions.join(', ')}`), ...findings], cards };
}

const failures: ReadonlyArray<readonly [sign: RegExp, found: string, remedy: string]> = [
  [
    /couldn't communicate with the NVIDIA driver/,
    'The NVIDIA driver is installed, but its kernel module is not loaded.',
    'Run `modprobe nvidia`. If that fails, the module does not fit the running kernel: install the driver again (or its ' +
      'DKMS package with the headers of this kernel), check Secure Boot, and restart.',
  ],
  [
    /Driver\/library version mismatch/,
    'The driver was updated, but the old kernel module is still loaded.',
    'Restart the machine; or stop everything that uses a GPU and reload the module.',
  ],
  [
    /Failed to initialize NVML: (Unknown Error|Insufficient Permissions)/,
    'The driver is there, but this process may not use the cards.',
    'In a container, restart it: it lost its devices (often after `systemctl daemon-reload`). Outside, check the permissions of /dev/nvidia*.',
  ],
  [
    /No devices were found/,
    'The driver is loaded, but it sees no card.',
    'Check that the card is seated and powered (`lspci | grep -i nvidia`), is passed through to this machine, and that the ' +
      'driver is not too old for it; `dmesg | grep -i nvrm` says why it was left out.',
  ],
  [
    /Unable to determine the device handle|GPU is lost/,
    'A card fell off the bus.',
    'Restart the machine. If it happens again, look for "Xid 79" in `dmesg`, and check power, cooling and seating of the card.',
  ],
  [
    /is not a valid field to query/,
    'The NVIDIA driver is so old that it cannot say what its cards are.',
    'Update the NVIDIA driver to 580 or newer.',
  ],
];

function judgeDriverFailure(output: ProbeOutput): Finding {
  const text = output.kind === 'ran' ? `${output.stdout}\n${output.stderr}` : '';
  const known = failures.find(([sign]) => sign.test(text));
  const said = firstLine(text);
  if (known !== undefined) return problem('driver', `${known[1]} nvidia-smi says: ${said}`, known[2]);
  return problem(
    'driver',
    `nvidia-smi ${absence(output)}.`,
    'Install the NVIDIA driver again, or restart the machine.',
  );
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.trim() ?? '';
}

function judgeCard(card: Card, context: { instances: string; someCardFits: boolean }): Finding {
  const area = `card ${card.index}`;
  const memory = card.memoryMiB === undefined ? '' : `, ${card.memoryMiB} MiB`;
  if (card.fault !== undefined) {
    const found = `${card.name}: ${card.fault}.`;
    return problem(
      area,
      found,
      'Restart the machine. If that does not help, `dmesg | grep -i xid` shows what happened to the card.',
    );
  }
  if (card.uncorrectedErrors !== undefined && card.uncorrectedErrors > 0) {
    const found = `${card.name} had ${card.uncorrectedErrors} memory errors that could not be corrected: frames may be wrong.`;
    return problem(
      area,
      found,
      'Restart the machine, which retires the bad pages. If the number grows again, replace the card.',
    );
  }
  const refusal = refusalOf(card);
  if (refusal !== undefined) {
    const [found, remedy] = refusal;
    return context.someCardFits ? note(area, found, `${remedy} The other cards fit.`) : problem(area, found, remedy);
  }
  if (card.isDivided) return judgeDivided(card, context.instances);
  const capability = card.computeCapability?.join('.') ?? 'unknown';
  const arithmetic = hasFp8(card) ? 'bf16 and fp8' : 'bf16, no fp8';
  return fine(area, `${card.name}${memory}, compute capability ${capability} (${arithmetic})`);
}

function refusalOf(card: Card): readonly [found: string, remedy: string] | undefined {
  const keepOut = `Keep it out of the farm: leave ${card.index} out of CUDA_VISIBLE_DEVICES.`;
  const { computeCapability: capability, memoryMiB } = card;
  if (capability !== undefined && !atLeast(capability, LEAST_CAPABILITY)) {
    const found = `${card.name} has compute capability ${capability.join('.')}; bfloat16 needs 8.0 (Ampere) or newer.`;
    return [found, keepOut];
  }
  if (memoryMiB !== undefined && memoryMiB < LEAST_MEMORY_MIB) {
    return [`${card.name} has ${memoryMiB} MiB; the smallest class that renders is 16 GB.`, keepOut];
  }
  return undefined;
}

function judgeDivided(card: Card, list: string): Finding {
  const area = `card ${card.index}`;
  const profiles = readMigInstances(list).flatMap(({ cardIndex, profile }) =>
    cardIndex === card.index ? [profile] : [],
  );
  const undo = `\`nvidia-smi -i ${card.index} -mig 0\` makes it one card again.`;
  if (profiles.length === 0) {
    const found = `${card.name} is in MIG mode without an instance: nothing can run on it.`;
    return problem(area, found, `Make instances (\`nvidia-smi mig -cgi … -C\`), or: ${undo}`);
  }
  const found = `${card.name} is divided (MIG) into ${profiles.join(', ')}.`;
  const large = profiles.filter((profile) => Number(/(\d+)gb/.exec(profile)?.[1] ?? 0) * 1024 >= LEAST_MEMORY_MIB);
  if (large.length === 0) return problem(area, `${found} Each is smaller than 16 GB, the smallest class.`, undo);
  return note(
    area,
    found,
    `A worker uses one instance: name its UUID in CUDA_VISIBLE_DEVICES. For the whole card, ${undo}`,
  );
}

function hasFp8({ computeCapability }: Card): boolean {
  return computeCapability !== undefined && atLeast(computeCapability, FP8_CAPABILITY);
}

function atLeast(
  [major, minor]: readonly [number, number],
  [leastMajor, leastMinor]: readonly [number, number],
): boolean {
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
