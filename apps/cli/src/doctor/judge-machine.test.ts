import { expect, test } from 'vitest';
import type { Finding } from './finding.js';
import { judgeMachine } from './judge-machine.js';
import type { MachineProbe, ProbeOutput } from './probe-results.js';
import * as smi from './recordings/nvidia-smi.js';
import * as torch from './recordings/torch.js';

const GIB = 2 ** 30;
const ran = (stdout: string): ProbeOutput => ({ kind: 'ran', exitCode: 0, stdout, stderr: '' });

/** A machine where everything except the GPU fits. */
function machine(change: Partial<MachineProbe> = {}): MachineProbe {
  return {
    nodeVersion: 'v20.20.2',
    python: ran('{"version": "3.11.7", "executable": "/usr/bin/python3", "venv": true}\n'),
    ffmpegEncoders: ran(
      ' V....D libx264              libx264 H.264\n A....D aac                  AAC (Advanced Audio Coding)\n',
    ),
    ffprobe: ran('ffprobe version 5.1.9-0+deb12u1 Copyright (c) 2007-2026 the FFmpeg developers\n'),
    redisServer: ran('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=3a7e4e6f0a2c7e52\n'),
    dataDirectory: { path: '/srv/farm', writable: true, freeBytes: 200 * GIB },
    port: { number: 8080, state: 'free' },
    nvidiaSmi: smi.noDriver,
    nvidiaSmiList: smi.noList,
    torch: torch.noTorch,
    weights: { folder: '/srv/weights', fileCount: 13, wrongFiles: [], freeBytes: 200 * GIB },
    ...change,
  };
}

const gpu = (nvidiaSmi: ProbeOutput, torchOutput: ProbeOutput, change: Partial<MachineProbe> = {}) =>
  judgeMachine(machine({ nvidiaSmi, torch: torchOutput, ...change }), { engine: 'auto' });
const unfit = (findings: Finding[]) => findings.filter(({ verdict }) => verdict !== 'fine');

test('a machine for drafts is fine without a GPU', () => {
  const findings = judgeMachine(machine(), { engine: 'auto' });
  expect(findings.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
  expect(unfit(findings).map(({ area }) => area)).toEqual(['driver', 'pytorch']);
  expect(unfit(judgeMachine(machine(), { engine: 'draft' }))).toEqual([]);
});

test('the same machine cannot run the real model', () => {
  const findings = judgeMachine(machine(), { engine: 'liveavatar' });
  const problems = findings.filter(({ verdict }) => verdict === 'problem');
  expect(problems.map(({ area }) => area)).toEqual(['driver', 'pytorch']);
  expect(problems[0]?.remedy).toContain('Install the NVIDIA driver');
});

test.each([
  ['Hopper', smi.h100, torch.onH100, ['NVIDIA H100 80GB HBM3, 81559 MiB, compute capability 9.0 (bf16 and fp8)']],
  [
    'Ampere',
    smi.rtx3090,
    torch.onRtx3090,
    ['NVIDIA GeForce RTX 3090, 24576 MiB, compute capability 8.6 (bf16, no fp8)'],
  ],
  // Code for sm_86 runs on 8.9: no build of PyTorch names sm_89.
  ['Ada, four cards', smi.fourL40s, torch.onFourL40s, ['PyTorch 2.8.0+cu128 computes on 4 x NVIDIA L40S']],
  ['Blackwell', smi.rtx5090, torch.onRtx5090, ['compute capability 12.0 (bf16 and fp8)', 'NVIDIA driver 575.64.03']],
])('%s fits', (_name, nvidiaSmi, torchOutput, sentences) => {
  const findings = gpu(nvidiaSmi, torchOutput);
  expect(unfit(findings)).toEqual([]);
  for (const sentence of sentences) expect(findings.some(({ found }) => found.includes(sentence))).toBe(true);
});

type Case = [name: string, nvidiaSmi: ProbeOutput, torch: ProbeOutput, found: RegExp, remedy: RegExp];

const problems: Case[] = [
  ['module not loaded', smi.moduleNotLoaded, torch.noTorch, /kernel module is not loaded/, /modprobe nvidia/],
  ['library mismatch', smi.libraryMismatch, torch.noTorch, /old kernel module is still loaded/, /Restart/],
  ['container lost its devices', smi.containerLostDevices, torch.noTorch, /may not use the cards/, /container/],
  ['no devices', smi.noDevices, torch.noTorch, /sees no card/, /lspci/],
  ['fell off the bus', smi.fellOffTheBus, torch.noTorch, /fell off the bus.*GPU is lost/, /Xid 79/],
  ['driver of another age', smi.ancientDriver, torch.noTorch, /so old/, /580/],
  ['no PyTorch', smi.h100, torch.noTorch, /not installed/, /FARM_PYTHON/],
  ['broken PyTorch', smi.h100, torch.missingLibrary, /cannot be loaded.*libcudnn\.so\.9/, /again/],
  ['PyTorch for the CPU', smi.h100, torch.cpuOnly, /2\.8\.0\+cpu was built for the CPU only/, /build for CUDA 13/],
  ['PyTorch for AMD', smi.rtx3090, torch.rocm, /AMD cards/, /build for CUDA 12\.8/],
  [
    'driver too old for CUDA 12',
    smi.a10WithDriver515,
    torch.driverTooOldForCuda12,
    /515\.105\.01\) is too old .* built for CUDA 12\.8, which needs driver 525 .* up to CUDA 11\.7/,
    /Update the NVIDIA driver to 580 or newer; no build/,
  ],
  [
    'driver too old for CUDA 13',
    smi.l4WithDriver550,
    torch.driverTooOldForCuda13,
    /built for CUDA 13\.0, which needs driver 580 .* up to CUDA 12\.4/,
    /580 or newer, or install the build of PyTorch for CUDA 12\.8/,
  ],
  ['CUDA unknown error', smi.h100, torch.unknownError, /cannot use the cards.*CUDA unknown error/, /nvidia_uvm/],
  ['old PyTorch', smi.rtx3090, torch.oldTorchOnRtx3090, /2\.6\.0\+cu124 is too old/, /2\.8 or newer/],
  [
    'Blackwell, PyTorch without code for it',
    smi.rtx5090,
    torch.blackwellWithoutCode,
    /no code for NVIDIA GeForce RTX 5090 \(compute capability 12\.0\); it has code for sm_50,/,
    /CUDA 12\.8 or newer/,
  ],
  ['memory errors', smi.eccErrors, torch.eccOnSecond, /had 3 memory errors/, /replace the card/],
  ['a card that was lost', smi.oneLost, torch.onOneRtx4090, /RTX 4090: GPU is lost/, /xid/],
  ['Turing', smi.teslaT4, torch.onRtx3090, /Tesla T4 has compute capability 7\.5; bfloat16 needs 8\.0/, /Keep it/],
  [
    'too little memory',
    smi.smallAda,
    torch.onOneRtx4090,
    /8188 MiB; the smallest class that renders is 16 GB/,
    /Keep it/,
  ],
];

test.each(problems)('%s', (_name, nvidiaSmi, torchOutput, found, remedy) => {
  const finding = gpu(nvidiaSmi, torchOutput).find((candidate) => found.test(candidate.found));
  expect(finding).toMatchObject({ verdict: 'problem', remedy: expect.stringMatching(remedy) });
});

test('a card that computes wrongly is named next to those that do not', () => {
  const findings = unfit(gpu(smi.eccErrors, torch.eccOnSecond));
  expect(findings.map(({ area }) => area)).toEqual(['card 1', 'pytorch']);
  expect(findings[1]?.found).toBe(
    'A small matrix product on NVIDIA A100-SXM4-80GB failed: CUDA error: uncorrectable ECC error encountered',
  );
});

test('a card that does not fit next to one that does is only worth a note', () => {
  const findings = unfit(gpu(smi.mixedCards, torch.onRtx3090, { visibleDevices: '0' }));
  expect(findings.map(({ area, verdict }) => [area, verdict])).toEqual([
    ['card 1', 'note'],
    ['pytorch', 'note'],
  ]);
  expect(findings[1]?.remedy).toContain('CUDA_VISIBLE_DEVICES is "0"');
});

test('MIG: an instance does, a small one and none do not', () => {
  const judge = (nvidiaSmiList: ProbeOutput) => unfit(gpu(smi.a100Mig, torch.onMigInstance, { nvidiaSmiList }))[0];
  expect(judge(smi.twoInstances)).toMatchObject({
    verdict: 'note',
    found: expect.stringContaining('3g.20gb, 3g.20gb'),
  });
  expect(judge(smi.smallInstances)).toMatchObject({
    verdict: 'problem',
    found: expect.stringContaining('smaller than 16'),
  });
  expect(judge(smi.noInstances)).toMatchObject({ verdict: 'problem', remedy: expect.stringContaining('-mig 0') });
});

test('PyTorch without a driver points at the driver', () => {
  const findings = judgeMachine(machine({ torch: torch.newTorchWithoutDriver }), { engine: 'liveavatar' });
  expect(unfit(findings).at(-1)).toMatchObject({ area: 'pytorch', remedy: expect.stringContaining('driver') });
});

test.each<[string, Partial<MachineProbe>, string]>([
  ['node', { nodeVersion: 'v18.20.4' }, 'Node 18.20.4 is too old'],
  ['python', { python: { kind: 'missing' } }, 'Python is not on the PATH'],
  ['python', { python: ran('{"version": "3.9.2", "executable": "/usr/bin/python3", "venv": true}') }, 'Python 3.9.2'],
  ['python', { python: ran('{"version": "3.12.3", "executable": "/usr/bin/python3", "venv": false}') }, 'has no venv'],
  ['ffmpeg', { ffmpegEncoders: ran(' A....D aac                  AAC\n') }, 'was built without libx264'],
  ['redis', { redisServer: ran('Redis server v=5.0.7 sha=00000000:0\n') }, 'redis-server 5.0.7 is too old'],
  ['redis', { redisService: { address: 'redis://store:6379', failure: 'ECONNREFUSED' } }, 'store:6379 is unavailable'],
  ['storage', { storageService: { address: 'http://minio:9000', failure: 'ENOTFOUND' } }, 'minio:9000 is unavailable'],
  ['storage', { dataDirectory: { path: '/srv', writable: false, freeBytes: 99 * GIB } }, '/srv cannot be written'],
  ['disk', { dataDirectory: { path: '/srv', writable: true, freeBytes: GIB } }, 'Only 1.0 GiB free'],
  [
    'weights',
    { weights: { folder: '/w', fileCount: 13, wrongFiles: ['a.safetensors'], freeBytes: 0 } },
    '1 of 13 files',
  ],
])('%s: %j', (area, change, sentence) => {
  const finding = unfit(judgeMachine(machine(change), { engine: 'draft' }))[0];
  expect(finding).toMatchObject({ area, verdict: 'problem', found: expect.stringContaining(sentence) });
  expect(finding?.remedy).toBeTruthy();
});

test('the oldest Redis that the farm runs on is fine', () => {
  const redisServer = ran(
    'Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=a3fdef44459b3ad6\n',
  );
  expect(unfit(judgeMachine(machine({ redisServer }), { engine: 'draft' }))).toEqual([]);
});

test('a port in use, little space and missing programs that `farm up` installs are notes', () => {
  const findings = judgeMachine(
    machine({
      port: { number: 8080, state: 'taken' },
      dataDirectory: { path: '/srv', writable: true, freeBytes: 5 * GIB },
      redisServer: { kind: 'missing' },
      ffmpegEncoders: { kind: 'missing' },
    }),
    { engine: 'draft' },
  );
  expect(unfit(findings).map(({ area, verdict }) => `${area} ${verdict}`)).toEqual([
    'ffmpeg note',
    'redis note',
    'disk note',
    'port note',
  ]);
});
