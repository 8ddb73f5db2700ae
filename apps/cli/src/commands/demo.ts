import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FarmClient } from '@farm/client';
import { type LocalFarm, samplePortrait, sampleSpeech, startLocalFarm } from '@farm/local-farm';
import { terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command, Option } from 'commander';
import { InterruptedError, UnreadableFileError } from '../errors.js';
import { parsePort } from '../parse-port.js';
import { watchAndSave } from '../watch-and-save.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { createDemoReporter, type DemoReporter } from './demo-reporter.js';

interface DemoOptions extends JsonOption {
  readonly portrait: string;
  readonly speech: string;
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
      'Start a temporary farm, send it a portrait and speech through its API, save the video, and stop the farm.',
    )
    .option('--json', 'print one line of JSON per event, for programs')
    .option('-i, --portrait <file>', 'the portrait', samplePortrait)
    .option('-a, --speech <file>', 'the speech', sampleSpeech)
    .option('--prompt <text>', 'the person and the scene', 'A person speaks to the camera, calm and friendly')
    .option('--size <w*h>', 'largest area in pixels, as in 256*256; the aspect ratio follows the portrait')
    .option('--out <file>', 'where the video is saved', join('output', 'demo.mp4'))
    .addOption(
      new Option('--engine <name>', 'draft, or tiny: the real model, but very small and with random weights')
        .choices(['draft', 'tiny'])
        .default('draft'),
    )
    .addOption(
      new Option('--storage <kind>', 'plain files, or a private MinIO server')
        .choices(['filesystem', 'minio'])
        .default('filesystem'),
    )
    .option('--port <number>', 'port of the API, or 0 for any free one', '0')
    .option('--keep', "keep the farm's data folder and say where it is")
    .addHelpText(
      'after',
      examples([
        ['npm run demo', 'the sample portrait speaks'],
        ['npm run demo -- --portrait me.jpg --speech talk.wav --out me.mp4', 'your own portrait and speech'],
      ]),
    )
    .action((options: DemoOptions) => demo(options, context));

async function demo(options: DemoOptions, context: CommandContext): Promise<void> {
  const { output, signal, environment } = context;
  const reporter = createDemoReporter({ output, environment, json: options.json === true });
  const started = performance.now();
  const port = parsePort(options.port);
  await assertReadable('--portrait', options.portrait);
  await assertReadable('--speech', options.speech);
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
    throw InterruptedError.duringDemo();
  } finally {
    await farm?.stop();
    if (options.keep) reporter.onKept(directory);
    else await rm(directory, { recursive: true, force: true });
  }
}

async function assertReadable(option: string, path: string): Promise<void> {
  await access(path).catch((cause: Error) => {
    throw new UnreadableFileError(option, path, cause);
  });
}

async function renderThrough(
  farm: LocalFarm,
  options: DemoOptions,
  { reporter, signal }: { reporter: DemoReporter; signal: AbortSignal },
): Promise<string> {
  const client = new FarmClient({ url: farm.url, key: farm.adminKey, signal });
  // On a CPU even the tiny model is slow.
  const size = options.size ?? (options.engine === 'tiny' ? '128*128' : undefined);
  const job = await client.submitJob({
    spec: {
      prompt: options.prompt,
      engine: options.engine === 'tiny' ? 'liveavatar' : 'draft',
      ...(size !== undefined && { size }),
    },
    portraitPath: options.portrait,
    speechPath: options.speech,
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
