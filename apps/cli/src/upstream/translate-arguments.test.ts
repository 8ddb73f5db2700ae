import { readFile } from 'node:fs/promises';
import { JobSpec } from '@farm/contracts';
import { expect, test } from 'vitest';
import { upstreamFlags } from './flags.js';
import { upstreamFlagsTable } from './flags-table.js';
import { translateSubmitArguments, translateUpstream } from './translate-arguments.js';

/** A published command line of the single-GPU script, by its numbers. */
function singleGpu(size: string, clips: number): string[] {
  return [
    ...['--ulysses_size', '1', '--task', 's2v-14B', '--size', size, '--base_seed', '420'],
    ...['--training_config', 'liveavatar/configs/s2v_causal_sft.yaml', '--offload_model', 'True'],
    ...['--convert_model_dtype', '--prompt', 'A cheerful dwarf explains his craft', '--image', 'dwarf.jpg'],
    ...['--audio', 'dwarf.wav', '--infer_frames', '48', '--load_lora', '--lora_path_dmd', 'Quark-Vision/Live-Avatar'],
    ...['--sample_steps', '4', '--sample_guide_scale', '0', '--num_clip', String(clips), '--num_gpus_dit', '1'],
    ...['--sample_solver', 'euler', '--single_gpu', '--ckpt_dir', 'ckpt/Wan2.2-S2V-14B/'],
  ];
}

/** And of the five-GPU one. */
function multiGpu(size: string, clips: number): string[] {
  const line = singleGpu(size, clips).filter((word) => word !== '--single_gpu');
  return [...line, '--enable_vae_parallel', '--fp8', '--enable_online_decode'];
}

const published = ['384*256', '688*368', '704*384', '720*400'].flatMap((size) =>
  [10, 50, 100, 1000].map((clips) => [size, clips] as const),
);

test.each(published)('the single-GPU script at %s with %i clips', (size, clips) => {
  const { words, leftOut } = translateUpstream(singleGpu(size, clips));
  expect(words).toEqual([
    ...['--size', size, '--seed', '420', '--prompt', 'A cheerful dwarf explains his craft', '--portrait', 'dwarf.jpg'],
    ...['--speech', 'dwarf.wav', '--frames-per-clip', '48', '--steps', '4', '--guidance-scale', '0'],
    ...['--clips', String(clips), '--truncate', '--solver', 'euler'],
  ]);
  expect(leftOut).toHaveLength(10);
});

test.each(published)('the five-GPU script at %s with %i clips', (size, clips) => {
  const { words, leftOut } = translateUpstream(multiGpu(size, clips));
  expect(words).toEqual([...translateUpstream(singleGpu(size, clips)).words, '--precision', 'fp8']);
  expect(leftOut).toContain('--enable_vae_parallel');
  expect(JobSpec.safeParse({ prompt: 'x', size, clips, steps: 4, guidanceScale: 0, precision: 'fp8' }).success).toBe(
    true,
  );
});

test('values may be joined with =, and what is after -- passes', () => {
  const { words } = translateUpstream(['--num_clip=10', '--base_seed=-1', '--save_dir=out/', '--', '--fp8']);
  expect(words).toEqual(['--clips', '10', '--truncate', '--out', 'out/{name}.mp4', '--', '--fp8']);
});

test.each([
  [['--task', 'i2v-A14B'], '--task i2v-A14B is refused. Only `s2v-14B`'],
  [['--ulysses_size', '4'], '--ulysses_size 4 is refused.'],
  [['--enable_tts'], '--enable_tts is refused. The farm renders recordings.'],
  [['--pose_video', 'pose.mp4'], '--pose_video pose.mp4 is refused.'],
  [['--num_clip'], '--num_clip needs a value.'],
])('refuses %j with a reason', (line, sentence) => {
  expect(() => translateUpstream(line)).toThrow(sentence);
});

test('only submit understands them, and says what it left out', () => {
  const notes: string[] = [];
  const line = ['submit', '--fp8', '--load_lora', '--json'];
  expect(translateSubmitArguments(line, (note) => notes.push(note))).toEqual([
    'submit',
    '--precision',
    'fp8',
    '--json',
  ]);
  expect(notes).toEqual([expect.stringContaining('Decided by the farm, not by a job: --load_lora')]);
  expect(translateSubmitArguments(['list', '--fp8'], () => undefined)).toEqual(['list', '--fp8']);
});

test('no flag twice, and the documentation shows the current table (node apps/cli/scripts/write-docs.mjs updates it)', async () => {
  expect(new Set(upstreamFlags.map(({ flag }) => flag)).size).toBe(upstreamFlags.length);
  const page = new URL('../../../../docs/coming-from-live-avatar.md', import.meta.url);
  expect(await readFile(page, 'utf8')).toContain(upstreamFlagsTable());
});
