import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command, Option } from 'commander';
import { FarmClient } from '../client/index.js';
import { CommandError, exitCodes, usageError } from '../exit-codes.js';
import { type LocalFarm, startLocalFarm } from '../farm-up/local-farm.js';
import { samplePortrait, sampleSpeech } from '../farm-up/project-files.js';
import { createProgressView } from '../progress/index.js';
import { watchAndSave } from '../watch/watch-and-save.js';
import { type CommandContext, examples } from './command.js';
import { portOf } from './up.js';

interface DemoOptions {
  readonly image: string;
  readonly audio: string;
  readonly prompt: string;
  readonly size?: string;
  readonly out: string;
  readonly engine: 'draft' | 'tiny';
  readonly storage: 'filesystem' | 'minio';
  readonly port: string;
  readonly keep?: true;
}

export const demoCommand = (context: CommandContext) =>
  new Command('demo')
    .description(
      'Start a farm for a moment, send it a portrait and speech through its API, save the video, stop the farm.',
    )
    .option('--image <file>', 'the portrait', samplePortrait)
    .option('--audio <file>', 'the speech', sampleSpeech)
    .option('--prompt <text>', 'the person and the scene', 'A person speaks to the camera, calm and friendly')
    .option('--size <w*h>', 'area in pixels; the shape follows the portrait')
    .option('--out <file>', 'where the video goes', join('output', 'demo.mp4'))
    .addOption(
      new Option('--engine <name>', 'draft, or tiny: the real model, very small and with random weights')
        .choices(['draft', 'tiny'])
        .default('draft'),
    )
    .addOption(
      new Option('--storage <kind>', 'plain files, or a private MinIO server')
        .choices(['filesystem', 'minio'])
        .default('filesystem'),
    )
    .option('--port <number>', 'port of the API (default: any free one)', '0')
    .option('--keep', "keep the farm's data folder and say where it is")
    .addHelpText(
      'after',
      examples([
        ['npm run demo', 'the sample portrait speaks'],
        ['npm run demo -- --image me.jpg --audio talk.wav --out me.mp4', 'your own'],
      ]),
    )
    .action((options: DemoOptions) => demo(options, context));

async function demo(options: DemoOptions, context: CommandContext): Promise<void> {
  const { output, signal, environment } = context;
  const started = performance.now();
  const port = portOf(options.port);
  for (const [option, file] of [
    ['--image', options.image],
    ['--audio', options.audio],
  ] as const)
    await access(file).catch((cause: Error) => {
      throw usageError(`${option}: ${file} cannot be read (${cause.message}).`);
    });
  const directory = await mkdtemp(join(tmpdir(), 'avatar-farm-demo-'));
  let farm: LocalFarm | undefined;
  try {
    farm = await startLocalFarm({
      directory,
      host: '127.0.0.1',
      port,
      storage: options.storage,
      engine: options.engine === 'tiny' ? 'liveavatar' : 'draft',
      engineArguments: options.engine === 'tiny' ? ['--tiny'] : [],
      toolchain: toolchainContext({ environment, report: terminalReporter(), signal }),
      onTrouble: (message) => output.note(message),
    });
    output.line(`farm:  ${farm.url} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    const path = await renderThrough(farm, options, context);
    output.line(`video: ${path}`);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandError({
      code: 'interrupted',
      exitCode: exitCodes.interrupted,
      message: 'Stopped; the farm is down.',
    });
  } finally {
    await farm?.stop();
    if (options.keep) output.line(`data:  ${directory}`);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function renderThrough(farm: LocalFarm, options: DemoOptions, context: CommandContext): Promise<string> {
  const { output, signal, environment } = context;
  const client = new FarmClient({ url: farm.url, key: farm.adminKey, signal });
  // Even the tiny model takes its time on a CPU.
  const size = options.size ?? (options.engine === 'tiny' ? '128*128' : undefined);
  const job = await client.submitJob({
    spec: {
      prompt: options.prompt,
      engine: options.engine === 'tiny' ? 'liveavatar' : 'draft',
      ...(size !== undefined && { size }),
    },
    imagePath: options.image,
    audioPath: options.audio,
    signal,
  });
  output.line(
    `job:   ${job.id}, ${job.spec.width} x ${job.spec.height}, engine ${options.engine}, POST ${farm.url}/v1/jobs`,
  );
  for (const warning of job.warnings) output.note(`note:  ${warning.message}`);
  const view = createProgressView({ stream: output.stdout, environment });
  try {
    const told = new Set(job.warnings.map((warning) => warning.code));
    const onUpdate = (state: typeof job) => {
      view.update(state.id, state);
      for (const { code, message } of state.warnings)
        if (!told.has(code) && told.add(code)) view.note(`note:  ${message}`);
    };
    const { savedTo } = await watchAndSave(
      client,
      { jobId: job.id, outPath: resolve(options.out) },
      { signal, onUpdate },
    );
    return savedTo!;
  } finally {
    view.close();
  }
}
