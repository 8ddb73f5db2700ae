import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { enginePath, mainFiles } from '@farm/local-farm';
import { obtainFfmpeg, obtainPython, terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command, Option } from 'commander';
import { CommandError, UnreadableFileError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { Interruption } from '../interruption.js';
import { type CommandContext, examples, type JsonOption } from './command.js';

class WorkerEndedError extends CommandError {
  constructor() {
    super('worker-ended', 'The worker ended with an error; its last lines say why.', {
      exitCode: exitCodes.unexpected,
    });
  }
}

interface WorkerCommandOptions extends JsonOption {
  readonly env?: string;
  readonly engine: 'draft' | 'liveavatar';
  readonly engineArguments?: string;
  readonly id?: string;
}

export const workerCommand = (context: CommandContext) =>
  new Command('worker')
    .description(
      'Run a worker on this machine for a farm that runs elsewhere. The farm and its storage come from the environment ' +
        '(REDIS_URL, S3_ENDPOINT, ...) or from the worker.env that `farm up` writes. Ctrl-C gives its work back to the farm.',
    )
    .option('--json', 'log in JSON for programs, even on a terminal')
    .option('--env <file>', 'variables of the farm, as in DATA/worker.env')
    .addOption(
      new Option('--engine <name>', 'the engine it renders with').choices(['draft', 'liveavatar']).default('draft'),
    )
    .option('--engine-arguments <words>', 'additional arguments for the engine')
    .option('--id <name>', 'its name in `farm workers`; default: host name and process id')
    .addHelpText(
      'after',
      examples([
        ['farm worker --env worker.env', 'join the farm that wrote this file'],
        ['farm worker --env worker.env --engine liveavatar --id gpu-7', 'with the GPU of this machine'],
      ]),
    )
    .action((options: WorkerCommandOptions) => runWorker(options, context));

async function runWorker(options: WorkerCommandOptions, context: CommandContext): Promise<void> {
  const { environment, output, signal } = context;
  const given = options.env === undefined ? {} : await readVariables(options.env);
  const toolchain = toolchainContext({ environment, report: terminalReporter(), signal });
  const { ffmpeg, ffprobe } = await obtainFfmpeg(toolchain);
  const extras = options.engine === 'draft' ? [] : ['liveavatar'];
  const python = await obtainPython(toolchain, { packageDirectory: enginePath, extras });
  signal.throwIfAborted();
  const child = spawn(process.execPath, [mainFiles.worker], {
    // Where its stdout is not a terminal, it logs one line of JSON per event.
    stdio: ['inherit', options.json ? 'pipe' : 'inherit', 'inherit'],
    env: {
      ...environment,
      ...given,
      FARM_FFMPEG: ffmpeg,
      FARM_FFPROBE: ffprobe,
      FARM_PYTHON: python,
      FARM_ENGINE: options.engine,
      FARM_ENGINE_PATH: enginePath,
      FARM_ENGINE_ARGUMENTS: options.engineArguments ?? '',
      ...(options.id !== undefined && { FARM_WORKER_ID: options.id }),
    },
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void output.stdout.write(text));
  const forward = () => {
    // A second signal would end the worker before it has given its work back.
    if (!(signal.reason instanceof Interruption && signal.reason.reachesChildren)) child.kill('SIGTERM');
  };
  signal.addEventListener('abort', forward, { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', forward);
  if (code === 0) return;
  throw new WorkerEndedError();
}

async function readVariables(file: string): Promise<Record<string, string>> {
  try {
    return parseEnv(await readFile(file, 'utf8')) as Record<string, string>;
  } catch (cause) {
    throw new UnreadableFileError('--env', file, cause as Error);
  }
}
