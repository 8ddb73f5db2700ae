import type { ProbeOutput } from '../probe-results.js';

/** What `torchProgram` prints with these builds of PyTorch: versions, architectures and messages are theirs. */
interface Device {
  readonly name: string;
  readonly capability: readonly [number, number];
  readonly memoryBytes: number;
  readonly trial: string;
}

interface Answer {
  readonly version: string;
  readonly cuda: string | null;
  readonly hip?: string;
  readonly available: boolean;
  readonly architectures: readonly string[];
  readonly devices?: readonly Device[];
  readonly warnings?: readonly string[];
}

function answer({ hip, devices = [], warnings = [], ...facts }: Answer): ProbeOutput {
  const stdout = `${JSON.stringify({ ...facts, hip: hip ?? null, devices, warnings })}\n`;
  return { kind: 'ran', exitCode: 0, stdout, stderr: '' };
}

const traceback = (lastLine: string): ProbeOutput => ({
  kind: 'ran',
  exitCode: 1,
  stdout: '',
  stderr: `Traceback (most recent call last):\n  File "<string>", line 5, in <module>\n${lastLine}\n`,
});

const device = (name: string, capability: readonly [number, number], memoryBytes: number, trial = 'ok'): Device => ({
  name,
  capability,
  memoryBytes,
  trial,
});

const cu128 = {
  version: '2.8.0+cu128',
  cuda: '12.8',
  architectures: ['sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120'],
};
const cu126 = {
  version: '2.8.0+cu126',
  cuda: '12.6',
  architectures: ['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90'],
};
const tooOld = (found: number) =>
  `CUDA initialization: The NVIDIA driver on your system is too old (found version ${found}). Please update your GPU ` +
  'driver by downloading and installing a new version from the URL: http://www.nvidia.com/Download/index.aspx ' +
  'Alternatively, go to: https://pytorch.org to install a PyTorch version that has been compiled with your version of the ' +
  'CUDA driver. (Triggered internally at /pytorch/c10/cuda/CUDAFunctions.cpp:109.)';
const cudaHint =
  '\nCUDA kernel errors might be asynchronously reported at some other API call, so the stacktrace below might be incorrect.' +
  '\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n';

export const noTorch = traceback("ModuleNotFoundError: No module named 'torch'");
export const missingLibrary = traceback(
  'ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory',
);
/** Recorded on a machine without a driver. */
export const newTorchWithoutDriver = answer({
  version: '2.15.0+cu132',
  cuda: '13.2',
  available: false,
  architectures: ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120'],
});
export const cpuOnly = answer({ version: '2.8.0+cpu', cuda: null, available: false, architectures: [] });
export const rocm = answer({
  version: '2.8.0+rocm6.3',
  cuda: null,
  hip: '6.3.42134-a9a80e791',
  available: false,
  architectures: [],
});
export const driverTooOldForCuda12 = answer({ ...cu128, available: false, warnings: [tooOld(11070)] });
export const driverTooOldForCuda13 = answer({
  version: '2.11.0+cu130',
  cuda: '13.0',
  available: false,
  architectures: ['sm_75', 'sm_80', 'sm_86', 'sm_90', 'sm_100', 'sm_120'],
  warnings: [tooOld(12040)],
});
export const unknownError = answer({
  ...cu128,
  available: false,
  warnings: [
    'CUDA initialization: CUDA unknown error - this may be due to an incorrectly set up environment, e.g. changing env ' +
      'variable CUDA_VISIBLE_DEVICES after program start. Setting the available devices to be zero. (Triggered internally ' +
      'at /pytorch/c10/cuda/CUDAFunctions.cpp:109.)',
  ],
});
export const onH100 = answer({
  ...cu128,
  available: true,
  devices: [device('NVIDIA H100 80GB HBM3', [9, 0], 85_017_755_648)],
});
export const onFourL40s = answer({
  ...cu128,
  available: true,
  devices: [0, 1, 2, 3].map(() => device('NVIDIA L40S', [8, 9], 47_697_362_944)),
});
export const onRtx3090 = answer({
  ...cu126,
  available: true,
  devices: [device('NVIDIA GeForce RTX 3090', [8, 6], 25_438_126_080)],
});
export const oldTorchOnRtx3090 = answer({
  version: '2.6.0+cu124',
  cuda: '12.4',
  available: true,
  architectures: ['sm_50', 'sm_60', 'sm_70', 'sm_75', 'sm_80', 'sm_86', 'sm_90'],
  devices: [device('NVIDIA GeForce RTX 3090', [8, 6], 25_438_126_080)],
});
export const blackwellWithoutCode = answer({
  ...cu126,
  available: true,
  devices: [
    device(
      'NVIDIA GeForce RTX 5090',
      [12, 0],
      33_661_911_040,
      `CUDA error: no kernel image is available for execution on the device${cudaHint}`,
    ),
  ],
  warnings: [
    '\nNVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.\nThe ' +
      'current PyTorch install supports CUDA capabilities sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90.\nIf you want to use the ' +
      'NVIDIA GeForce RTX 5090 GPU with PyTorch, please check the instructions at https://pytorch.org/get-started/locally/\n',
  ],
});
export const onRtx5090 = answer({
  ...cu128,
  available: true,
  devices: [device('NVIDIA GeForce RTX 5090', [12, 0], 33_661_911_040)],
});
export const eccOnSecond = answer({
  ...cu128,
  available: true,
  devices: [
    device('NVIDIA A100-SXM4-80GB', [8, 0], 84_987_740_160),
    device(
      'NVIDIA A100-SXM4-80GB',
      [8, 0],
      84_987_740_160,
      `CUDA error: uncorrectable ECC error encountered${cudaHint}`,
    ),
  ],
});
export const onMigInstance = answer({
  ...cu128,
  available: true,
  devices: [device('NVIDIA A100-SXM4-40GB MIG 3g.20gb', [8, 0], 20_937_965_568)],
});
export const onOneRtx4090 = answer({
  ...cu128,
  available: true,
  devices: [device('NVIDIA GeForce RTX 4090', [8, 9], 25_386_352_640)],
});
