import { resolve } from 'node:path';
import { defaultDataDirectory, followLog, startLocalFarm } from '@farm/local-farm';
import { terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command, Option } from 'commander';
import { parsePort } from '../parse-port.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { createUpReporter, type UpReporter } from './up-reporter.js';

interface UpOptions extends JsonOption {
  readonly host: string;
  readonly port: string;
  readonly data?: string;
  readonly storage: 'filesystem' | 'minio';
  readonly engine: 'draft' | 'liveavatar';
  readonly engineArguments?: string;
  readonly publicUrl?: string;
  readonly quiet?: true;
}

export const upCommand = (context: CommandContext) =>
  new Command('up')
    .description(
      'Run a whole farm on this machine: Redis, storage, API, scheduler and one worker. Ctrl-C stops everything.',
    )
    .option('--json', 'print one line of JSON per event, for programs')
    .option(
      '--host <address>',
      'address to listen on; anything but loopback opens the farm to the network',
      '127.0.0.1',
    )
    .option('--port <number>', 'port of the API', '8080')
    .option('--data <folder>', 'where the farm keeps everything (default: ~/.local/share/avatar-farm)')
    .addOption(
      new Option('--storage <kind>', 'plain files, or a private MinIO server')
        .choices(['filesystem', 'minio'])
        .default('filesystem'),
    )
    .addOption(
      new Option('--engine <name>', 'the engine of the worker').choices(['draft', 'liveavatar']).default('draft'),
    )
    .option('--engine-arguments <words>', 'additional arguments for the engine, such as --tiny')
    .option('--public-url <url>', 'where people reach the API, if not at --host and --port')
    .option('-q, --quiet', 'print no log lines; they are still written to DATA/log')
    .addHelpText(
      'after',
      examples([
        ['farm up', 'a farm at http://127.0.0.1:8080'],
        ['farm up --port 9000 --data /srv/farm', 'another port, another folder'],
        ['farm up --port 0 --json --quiet', 'for a program: its address, then only problems'],
        ['farm submit -i portrait.jpg -a talk.wav -p "A woman speaks" --out talk.mp4', 'in a second terminal'],
      ]),
    )
    .action((options: UpOptions) => up(options, context));

async function up(options: UpOptions, context: CommandContext): Promise<void> {
  const { output, signal, environment } = context;
  const reporter = createUpReporter(output, { json: options.json === true });
  const farm = await startLocalFarm({
    directory: resolve(options.data ?? defaultDataDirectory(environment)),
    host: options.host,
    port: parsePort(options.port),
    storage: options.storage,
    engine: options.engine,
    engineArguments: options.engineArguments?.split(' ') ?? [],
    publicUrl: options.publicUrl,
    toolchain: toolchainContext({ environment, report: terminalReporter(), signal }),
    onTrouble: reporter.onTrouble,
  });
  reporter.onUp(farm);
  const following = options.quiet ? [] : followLogs(farm.directory.logs, reporter, signal);
  try {
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      signal.addEventListener('abort', () => done(), { once: true });
    });
    reporter.onStopping();
  } finally {
    await farm.stop();
    await Promise.all(following);
  }
  reporter.onStopped();
}

function followLogs(folder: string, reporter: UpReporter, signal: AbortSignal): Promise<void>[] {
  return ['api', 'scheduler', 'worker'].map((part) => {
    const onLine = (line: string) => {
      if (isWorthShowing(line)) reporter.onLog(part, line);
    };
    return followLog(`${folder}/${part}.log`, onLine, signal);
  });
}

/** Requests for health and progress would drown everything else. */
function isWorthShowing(line: string): boolean {
  return line.trim() !== '' && !/"level":(10|20)\b/.test(line) && !/"(request completed|incoming request)"/.test(line);
}
