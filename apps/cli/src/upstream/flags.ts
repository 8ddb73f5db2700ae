/** What becomes of a flag of Live Avatar's scripts on `farm submit`. */
export type Treatment =
  /** A setting of the job: the farm's own arguments for it. */
  | { readonly kind: 'setting'; readonly becomes: string; readonly translate: (value: string) => string[] }
  /** Decided where a worker is configured, not by a job. */
  | { readonly kind: 'worker' }
  /** What the farm always does, or what has no effect upstream either. */
  | { readonly kind: 'always' }
  /** Refused, unless the value is the one that changes nothing. */
  | { readonly kind: 'refused'; readonly allows?: (value: string) => boolean };

export interface UpstreamFlag {
  readonly flag: string;
  /** Flags without a value stand alone, as argparse's store_true. */
  readonly takesValue: boolean;
  readonly treatment: Treatment;
  /** Where it is decided, why, or why it is refused; the text of the table in the documentation. */
  readonly meaning: string;
}

type Flag = readonly [flag: string, takes: 'value' | 'nothing', treatment: Treatment, meaning: string];

const same = (option: string): Treatment => ({
  kind: 'setting',
  becomes: option,
  translate: (value) => [option, value],
});
const setting = (becomes: string, translate: (value: string) => string[]): Treatment => ({
  kind: 'setting',
  becomes,
  translate,
});
const worker: Treatment = { kind: 'worker' };
const always: Treatment = { kind: 'always' };
const refused: Treatment = { kind: 'refused' };
const refusedUnless = (...values: string[]): Treatment => ({
  kind: 'refused',
  allows: (value) => values.includes(value),
});

const noSpeechSynthesis =
  'The farm renders recordings. Speak the text with a program of your choice and submit the file.';
const noPromptExtension = 'The farm renders the prompt as it is written. Extend it before you submit.';
const noDatasets = 'Submit the recordings themselves: `--speech` accepts several files, folders and patterns.';
const memoryPlan = "Each worker's memory plan decides what stays on its card; today everything does.";
const workerGroup = 'A worker owns one GPU; the farm chooses a worker whose card holds the job.';
const workerWeights =
  'Weights belong to a worker: `farm weights pull` downloads them, `farm weights check` verifies them.';
const fixedTask = 'Only `s2v-14B`: speech to video is what the farm renders.';

/** Every flag of upstream's three programs: the inference script, its batch variant and the web page. */
const flags: readonly Flag[] = [
  ['--prompt', 'value', same('--prompt'), 'The same. Required: upstream falls back to an example.'],
  ['--image', 'value', same('--portrait'), 'The portrait. `--image` still works.'],
  [
    '--audio',
    'value',
    same('--speech'),
    'The speech, and more: several files, folders, patterns. `--audio` still works.',
  ],
  [
    '--size',
    'value',
    same('--size'),
    'The same: an area; the shape follows the portrait. Both sides become multiples of 64.',
  ],
  [
    '--num_clip',
    'value',
    setting('--clips N --truncate', (value) => ['--clips', value, '--truncate']),
    'At most that many clips; shorter speech ends earlier. Without it the whole recording is rendered.',
  ],
  [
    '--infer_frames',
    'value',
    same('--frames-per-clip'),
    'Rounded up to a multiple of 12, with a warning. The default is 48, as in the published scripts.',
  ],
  ['--sample_steps', 'value', same('--steps'), '3 to 6; the weights are distilled for 4, the default.'],
  ['--sample_solver', 'value', same('--solver'), 'Only `euler`; upstream refuses the others when it renders, too.'],
  ['--sample_guide_scale', 'value', same('--guidance-scale'), 'Only 0: the distilled model runs without guidance.'],
  [
    '--sample_shift',
    'value',
    always,
    'The shift of the noise schedule is 3. Upstream uses 3, too, whatever this flag says.',
  ],
  [
    '--base_seed',
    'value',
    setting('--seed', (value) => (Number(value) < 0 ? [] : ['--seed', value])),
    'The same seed gives the same video; a negative one means a random one, as upstream.',
  ],
  [
    '--fp8',
    'nothing',
    setting('--precision fp8', () => ['--precision', 'fp8']),
    '8-bit weights; refused until the farm can render them.',
  ],
  ['--save_file', 'value', same('--out'), 'Where the video is saved.'],
  [
    '--save_dir',
    'value',
    setting('--out DIR/{name}.mp4', (value) => ['--out', `${value.replace(/\/+$/, '')}/{name}.mp4`]),
    'One video per recording, named after it.',
  ],
  ['--enable_online_decode', 'nothing', always, 'Always on: frames are sent while the next block is denoised.'],
  ['--convert_model_dtype', 'nothing', always, 'Weights are held in the precision of the job.'],
  ['--frame_num', 'value', always, 'Without effect upstream: the length is the length of the speech.'],
  ['--start_from_ref', 'nothing', always, 'Without effect upstream: every video starts from the portrait.'],
  ['--task', 'value', refusedUnless('s2v-14B'), fixedTask],
  ['--ckpt_dir', 'value', worker, workerWeights],
  ['--load_lora', 'nothing', worker, workerWeights],
  ['--lora_path', 'value', worker, workerWeights],
  ['--lora_path_dmd', 'value', worker, workerWeights],
  ['--using_merged_ckpt', 'nothing', worker, workerWeights],
  ['--training_config', 'value', worker, 'The shape of the network is known from its weights.'],
  ['--offload_model', 'value', worker, memoryPlan],
  ['--offload_kv_cache', 'nothing', worker, memoryPlan],
  ['--t5_cpu', 'nothing', worker, memoryPlan],
  ['--t5_fsdp', 'nothing', worker, memoryPlan],
  ['--dit_fsdp', 'nothing', worker, memoryPlan],
  ['--single_gpu', 'nothing', worker, workerGroup],
  ['--num_gpus_dit', 'value', worker, workerGroup],
  ['--enable_vae_parallel', 'nothing', worker, workerGroup],
  ['--ulysses_size', 'value', refusedUnless('1'), 'Only 1: upstream refuses every other value when it renders, too.'],
  ['--drop_motion_noisy', 'nothing', refused, 'An upstream experiment that the farm does not support.'],
  ['--pose_video', 'value', refused, 'The farm renders from speech alone, not from poses.'],
  ['--enable_tts', 'nothing', refused, noSpeechSynthesis],
  ['--tts_prompt_audio', 'value', refused, noSpeechSynthesis],
  ['--tts_prompt_text', 'value', refused, noSpeechSynthesis],
  ['--tts_text', 'value', refused, noSpeechSynthesis],
  ['--use_prompt_extend', 'nothing', refused, noPromptExtension],
  ['--prompt_extend_method', 'value', refused, noPromptExtension],
  ['--prompt_extend_model', 'value', refused, noPromptExtension],
  ['--prompt_extend_target_lang', 'value', refused, noPromptExtension],
  ['--use_dataset', 'nothing', refused, noDatasets],
  ['--dataset_sample_idx', 'value', refused, noDatasets],
  ['--sample_list', 'value', refused, noDatasets],
  ['--server_port', 'value', refused, 'The farm has no such web page; `farm up --port N` sets the port of its API.'],
  ['--server_name', 'value', refused, 'Where the farm listens is decided when it starts: see `farm up --help`.'],
];

export const upstreamFlags: readonly UpstreamFlag[] = flags.map(([flag, takes, treatment, meaning]) => ({
  flag,
  takesValue: takes === 'value',
  treatment,
  meaning,
}));
