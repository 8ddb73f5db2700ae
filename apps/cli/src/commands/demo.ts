import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command, Option } from 'commander';
import { FarmClient } from '../client/index.js';
import { createDemoReporter, type DemoReporter } from '../demo/demo-reporter.js';
import { CommandError, exitCodes, usageError } from '../exit-codes.js';
import { type LocalFarm, startLocalFarm } from '../farm-up/local-farm.js';
import { samplePortrait, sampleSpeech } from '../farm-up/project-files.js';
import { watchAndSave } from '../watch/watch-and-save.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { portOf } from './up.js';

interface DemoOptions extends JsonOption {
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
    .option('--json', 'print a line of JSON for everything that happens, for programs')
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
  const reporter = createDemoReporter({ output, environment, json: options.json === true });
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
      onTrouble: reporter.onTrouble,
    });
    reporter.onFarm({ url: farm.url, seconds: (performance.now() - started) / 1000 });
    reporter.onSaved(await renderThrough(farm, options, { reporter, signal }));
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandError({
      code: 'interrupted',
      exitCode: exitCodes.interrupted,
      message: 'Stopped; the farm is down.',
    });
  } finally {
    await farm?.stop();
    if (options.keep) reporter.onKept(directory);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function renderThrough(
  farm: LocalFarm,
  options: DemoOptions,
  { reporter, signal }: { reporter: DemoReporter; signal: AbortSignal },
): Promise<string> {
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
  reporter.onSubmitted(job, { url: farm.url, engine: options.engine });
  const watched = { jobId: job.id, outPath: resolve(options.out) };
  try {
    const { savedTo } = await watchAndSave(client, watched, { signal, onUpdate: reporter.onUpdate });
    return savedTo!;
  } finally {
    reporter.onWatched();
  }
}
