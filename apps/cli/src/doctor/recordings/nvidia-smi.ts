import type { ProbeOutput } from '../probe-results.js';

/**
 * What nvidia-smi prints in these situations, for the query of `gpuFields`: the formats, names, sizes and messages of
 * the drivers named in the rows. UUIDs are shortened.
 */
const answer = (...rows: string[]): ProbeOutput => ({
  kind: 'ran',
  exitCode: 0,
  stdout: `${rows.join('\n')}\n`,
  stderr: '',
});
const failure = (exitCode: number, stdout: string): ProbeOutput => ({ kind: 'ran', exitCode, stdout, stderr: '' });

export const noDriver: ProbeOutput = { kind: 'missing' };
export const moduleNotLoaded = failure(
  9,
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver " +
    'is installed and running.\n\n',
);
export const libraryMismatch = failure(
  18,
  'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.120\n',
);
export const containerLostDevices = failure(255, 'Failed to initialize NVML: Unknown Error\n');
export const noDevices = failure(6, 'No devices were found\n');
export const fellOffTheBus = failure(
  15,
  'Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU\n',
);
export const ancientDriver = failure(2, 'Field "compute_cap" is not a valid field to query.\n\n');

export const h100 = answer('0, NVIDIA H100 80GB HBM3, 580.82.07, 81559, 9.0, 0, Disabled');
export const fourL40s = answer(
  ...[0, 1, 2, 3].map((index) => `${index}, NVIDIA L40S, 575.51.03, 46068, 8.9, 0, [N/A]`),
);
export const rtx3090 = answer('0, NVIDIA GeForce RTX 3090, 535.129.03, 24576, 8.6, [N/A], [N/A]');
export const rtx5090 = answer('0, NVIDIA GeForce RTX 5090, 575.64.03, 32607, 12.0, [N/A], [N/A]');
export const a10WithDriver515 = answer('0, NVIDIA A10, 515.105.01, 23028, 8.6, 0, [N/A]');
export const l4WithDriver550 = answer('0, NVIDIA L4, 550.90.07, 23034, 8.9, 0, [N/A]');
export const teslaT4 = answer('0, Tesla T4, 535.183.06, 15360, 7.5, 0, [N/A]');
export const smallAda = answer('0, NVIDIA GeForce RTX 4060, 550.120, 8188, 8.9, [N/A], [N/A]');
export const mixedCards = answer(
  '0, NVIDIA GeForce RTX 3090, 580.159.04, 24576, 8.6, [N/A], [N/A]',
  '1, NVIDIA GeForce GTX 1080 Ti, 580.159.04, 11264, 6.1, [N/A], [N/A]',
);
export const eccErrors = answer(
  '0, NVIDIA A100-SXM4-80GB, 535.183.06, 81920, 8.0, 0, Disabled',
  '1, NVIDIA A100-SXM4-80GB, 535.183.06, 81920, 8.0, 3, Disabled',
);
export const oneLost = answer(
  '0, NVIDIA GeForce RTX 4090, 550.120, 24564, 8.9, [N/A], [N/A]',
  '1, NVIDIA GeForce RTX 4090, 550.120, [GPU is lost], 8.9, [GPU is lost], [GPU is lost]',
);
export const a100Mig = answer('0, NVIDIA A100-SXM4-40GB, 550.90.07, 40960, 8.0, 0, Enabled');

export const noList: ProbeOutput = { kind: 'missing' };
export const twoInstances = answer(
  'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-fcf41002)',
  '  MIG 3g.20gb     Device  0: (UUID: MIG-e07a497d)',
  '  MIG 3g.20gb     Device  1: (UUID: MIG-55ab6e01)',
);
export const smallInstances = answer(
  'GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-fcf41002)',
  '  MIG 1g.5gb      Device  0: (UUID: MIG-3eb1c2a0)',
);
export const noInstances = answer('GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-fcf41002)');
