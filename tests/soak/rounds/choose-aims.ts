import type { Aim, Fault } from '../proxies/fault-board.js';
import type { Random } from '../random.js';

type Weighted<Value> = { readonly weight: number; readonly value: Value };

interface StepChoice {
  readonly step: string;
  /** How often an undisturbed job reaches it, at the least. */
  readonly times: number;
}

const LONGER_THAN_A_LEASE_MS = 14_000;

const step = (weight: number, name: string, times = 1): Weighted<StepChoice> => ({
  weight,
  value: { step: name, times },
});

/** Every step of a job that reaches Redis, and how often it is aimed at. */
const redisSteps: readonly Weighted<StepChoice>[] = [
  step(2, 'createJob'),
  step(1, 'claimTask request'),
  step(2, 'claimTask prepare'),
  step(3, 'claimTask render'),
  step(2, 'claimTask assemble'),
  step(3, 'finishAttempt prepare'),
  step(5, 'finishAttempt render'),
  step(3, 'finishAttempt assemble'),
  step(10, 'commitPiece', 4),
  step(3, 'planRenders'),
  step(3, 'readyAssembly'),
  step(3, 'succeedJob'),
  step(2, 'renewLeases', 3),
  step(1, 'expireLeases', 2),
  step(5, 'ticket', 12),
  step(2, 'wait for a ticket', 3),
  step(4, 'worker read', 12),
];

const storageSteps: readonly Weighted<StepChoice>[] = [
  step(2, 'PUT input', 2),
  step(2, 'GET input', 2),
  step(3, 'PUT prepared', 3),
  step(3, 'GET prepared', 3),
  step(6, 'PUT pieces', 4),
  step(4, 'GET pieces', 4),
  step(4, 'PUT output', 3),
  step(1, 'PUT log', 2),
];

/** Of these only the reply says whose they are: the request cannot be cut for one job, only some request. */
const knownByReply = /^claimTask (?!request)/;

function redisFaults(name: string, random: Random): readonly Weighted<Fault>[] {
  if (name === 'claimTask request') return [{ weight: 1, value: { kind: 'cut-before' } }];
  return [
    { weight: knownByReply.test(name) ? 0 : 6, value: { kind: 'cut-before' } },
    { weight: 8, value: { kind: 'lost-reply' } },
    { weight: 3, value: { kind: 'late-reply', delayMs: random.integer(200, 3000) } },
    { weight: 2, value: { kind: 'bytewise' } },
    { weight: 0.4, value: { kind: 'frozen' } },
    { weight: 0.4, value: { kind: 'cut-off', forMs: random.integer(2000, LONGER_THAN_A_LEASE_MS) } },
  ];
}

function storageFaults(name: string, random: Random): readonly Weighted<Fault>[] {
  return [
    { weight: 5, value: { kind: 'cut-before' } },
    { weight: 6, value: { kind: 'lost-reply' } },
    { weight: 3, value: { kind: 'late-reply', delayMs: random.integer(200, 3000) } },
    { weight: name.startsWith('GET') ? 5 : 0, value: { kind: 'truncated' } },
    { weight: 4, value: { kind: 'slow-down' } },
    { weight: 3, value: { kind: 'server-error' } },
    { weight: 0.5, value: { kind: 'away', forMs: random.integer(1000, 5000) } },
  ];
}

const processFaults: readonly Weighted<Fault>[] = [
  { weight: 3, value: { kind: 'kill', part: 'engine' } },
  { weight: 3, value: { kind: 'kill', part: 'ffmpeg' } },
  { weight: 1, value: { kind: 'kill', part: 'worker' } },
  { weight: 2, value: { kind: 'kill', part: 'api' } },
  { weight: 2, value: { kind: 'kill', part: 'scheduler' } },
  { weight: 1, value: { kind: 'kill', part: 'redis' } },
  { weight: 0.5, value: { kind: 'freeze', part: 'worker' } },
  { weight: 0.3, value: { kind: 'freeze', part: 'redis' } },
];

const processSteps: readonly Weighted<StepChoice>[] = [
  step(1, 'createJob'),
  step(2, 'claimTask prepare'),
  step(4, 'claimTask render'),
  step(5, 'commitPiece', 4),
  step(2, 'finishAttempt render'),
  step(2, 'claimTask assemble'),
  step(1, 'succeedJob'),
];

const groups: readonly Weighted<'redis' | 'storage' | 'process'>[] = [
  { weight: 60, value: 'redis' },
  { weight: 36, value: 'storage' },
  { weight: 4, value: 'process' },
];

function chooseAim(random: Random): Aim {
  const group = random.pick(groups);
  const steps = { redis: redisSteps, storage: storageSteps, process: processSteps }[group];
  const { step: name, times } = random.pick(steps);
  const nth = random.integer(1, times);
  if (group === 'process') return { fault: random.pick(processFaults), step: name, nth };
  const faults = group === 'redis' ? redisFaults(name, random) : storageFaults(name, random);
  return { fault: random.pick(faults), step: name, nth };
}

/** One or two faults. */
export function chooseAims(random: Random): Aim[] {
  const count = random.next() < 0.75 ? 1 : 2;
  return Array.from({ length: count }, () => chooseAim(random));
}

export function describeAim({ fault, step: name, nth }: Aim): string {
  if ('part' in fault) return `${fault.kind} ${fault.part} at ${name} ${nth}`;
  return `${fault.kind} at ${name} ${nth}`;
}

/** The row of the summary that a fault counts for. */
export const kindOf = ({ fault, step: name }: Aim): string => {
  if ('part' in fault) return `${fault.kind} ${fault.part}`;
  return `${/^[A-Z]+ /.test(name) ? 'storage' : 'Redis'} ${fault.kind}`;
};
