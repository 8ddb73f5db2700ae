/** What happened to one program that was run. */
export type ProbeOutput =
  | { readonly kind: 'ran'; readonly exitCode: number; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'timed-out'; readonly seconds: number };

/** Everything `farm doctor` looked at, unjudged: judging it needs no machine. */
export interface MachineProbe {
  /** As `process.version`. */
  readonly nodeVersion: string;
  /** JSON of `pythonProgram`. */
  readonly python: ProbeOutput;
  /** `ffmpeg -hide_banner -encoders`. */
  readonly ffmpegEncoders: ProbeOutput;
  /** `ffprobe -version`. */
  readonly ffprobe: ProbeOutput;
  /** `redis-server --version`. */
  readonly redisServer: ProbeOutput;
  /** Other services that the environment names; absent where it names none. */
  readonly redisService?: ServiceProbe | undefined;
  readonly storageService?: ServiceProbe | undefined;
  readonly dataDirectory: DirectoryProbe;
  readonly port: { readonly number: number; readonly state: 'free' | 'farm' | 'taken' };
  /** `nvidia-smi --query-gpu=…` with `gpuFields`, csv without header and units. */
  readonly nvidiaSmi: ProbeOutput;
  /** `nvidia-smi -L`: MIG instances are listed nowhere else. */
  readonly nvidiaSmiList: ProbeOutput;
  /** JSON of `torchProgram`. */
  readonly torch: ProbeOutput;
  readonly weights: WeightsProbe;
  /** Value of CUDA_VISIBLE_DEVICES. */
  readonly visibleDevices?: string | undefined;
}

export interface ServiceProbe {
  /** Address without credentials. */
  readonly address: string;
  /** Undefined if it accepted a connection. */
  readonly failure: string | undefined;
}

export interface DirectoryProbe {
  readonly path: string;
  readonly writable: boolean;
  readonly freeBytes: number;
}

export interface WeightsProbe {
  readonly folder: string;
  /** Files that were pulled; 0 where nothing was. */
  readonly fileCount: number;
  /** Those that are missing or have another size. */
  readonly wrongFiles: readonly string[];
  readonly freeBytes: number;
}

export const gpuFields = [
  'index',
  'name',
  'driver_version',
  'memory.total',
  'compute_cap',
  'ecc.errors.uncorrected.volatile.total',
  'mig.mode.current',
] as const;
