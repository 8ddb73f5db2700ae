import { chmod, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { defaultDataDirectory, openStoredFarm } from '@farm/local-farm';
import { connectRedis, createFirstAdminKey, type RebuildReport, rebuildFarm } from '@farm/records';
import { createStorage, readStorageConfiguration, StorageEnvironment } from '@farm/storage';
import { terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command } from 'commander';
import { InterruptedError, UnreadableFileError } from '../errors.js';
import type { Output } from '../output/output.js';
import { type CommandContext, examples, type JsonOption } from './command.js';

interface RebuildCommandOptions extends JsonOption {
  readonly env?: string;
  readonly data?: string;
  readonly confirm?: true;
}

/** Where the farm is, and where its first admin key goes; without a file it is printed. */
interface Place {
  readonly environment: NodeJS.ProcessEnv;
  readonly adminKeyFile: string | undefined;
  close(): Promise<void>;
}

export const rebuildCommand = (context: CommandContext) =>
  new Command('rebuild')
    .description(
      'List the jobs of a farm again after its Redis lost them: finished ones from their manifests, unfinished ones from ' +
        'their inputs. Works on Redis and the storage themselves, which come from the environment (REDIS_URL, ' +
        'S3_ENDPOINT, ...), from --env, or from the folder of a farm on this machine. Without --confirm it only says what ' +
        'it would do. API keys and limits are not in the storage: they are made again.',
    )
    .option('--json', 'print JSON for programs')
    .option('--confirm', 'write the records')
    .option('--env <file>', "variables of the farm, such as the scheduler's or DATA/worker.env")
    .option('--data <folder>', 'folder of a farm on this machine, running or not')
    .addHelpText(
      'after',
      examples([
        ['farm rebuild --env scheduler.env', 'what is in the storage, and what would be listed again'],
        ['farm rebuild --env scheduler.env --confirm', 'list it again'],
        ['farm rebuild --data /srv/farm --confirm', 'for the farm of `farm up --data /srv/farm`'],
      ]),
    )
    .action((options: RebuildCommandOptions) => rebuild(options, context));

async function rebuild(options: RebuildCommandOptions, context: CommandContext): Promise<void> {
  const place = await placeOf(options, context);
  try {
    await rebuildAt(place, options, context);
  } catch (error) {
    throw context.signal.aborted ? InterruptedError.whileRebuilding() : error;
  } finally {
    await place.close();
  }
}

async function placeOf({ env, data }: RebuildCommandOptions, context: CommandContext): Promise<Place> {
  const { environment, signal } = context;
  if (data === undefined && (env !== undefined || environment.REDIS_URL)) {
    const given = { ...environment, ...(env === undefined ? {} : await readVariables(env)) };
    return { environment: given, adminKeyFile: given.FARM_ADMIN_KEY_FILE, close: async () => {} };
  }
  const folder = resolve(data ?? defaultDataDirectory(environment));
  return await openStoredFarm(folder, toolchainContext({ environment, report: terminalReporter(), signal }));
}

async function readVariables(file: string): Promise<NodeJS.ProcessEnv> {
  try {
    return parseEnv(await readFile(file, 'utf8')) as NodeJS.ProcessEnv;
  } catch (cause) {
    throw new UnreadableFileError('--env', file, cause as Error);
  }
}

async function rebuildAt(
  { environment, adminKeyFile }: Place,
  options: RebuildCommandOptions,
  { output, signal }: CommandContext,
): Promise<void> {
  const address = 'http://127.0.0.1:8080';
  // No URL is signed here.
  const stored = { FARM_SIGNING_SECRET: 'used by no rebuild', ...StorageEnvironment.parse(environment) };
  const storage = await createStorage(readStorageConfiguration(stored, { internal: address, public: address }));
  const redis = connectRedis(environment.REDIS_URL ?? 'redis://127.0.0.1:6379', {
    manner: 'prompt',
    name: 'farm-rebuild',
  });
  try {
    const write = options.confirm === true;
    const report = await rebuildFarm({ redis, storage, write, signal, onProgress: progressTo(output) });
    const key = write ? await makeFirstKey(redis, adminKeyFile) : undefined;
    if (options.json) output.json({ written: write, ...report, ...key });
    else printReport(report, { output, write, key });
  } finally {
    redis.disconnect();
    await storage.close();
  }
}

const PROGRESS_MS = 2000;

function progressTo(output: Output): (jobCount: number) => void {
  let shown = Date.now();
  return (jobCount) => {
    if (Date.now() - shown < PROGRESS_MS) return;
    shown = Date.now();
    output.note(`${jobCount} jobs read`);
  };
}

interface FirstKey {
  /** The secret, where no file is there to take it. */
  readonly adminKey?: string;
  readonly adminKeyFile?: string;
}

/** Undefined where Redis has an admin key, as after an earlier rebuild. */
async function makeFirstKey(
  redis: Parameters<typeof createFirstAdminKey>[0],
  file: string | undefined,
): Promise<FirstKey | undefined> {
  let made: FirstKey | undefined;
  await createFirstAdminKey(redis, async (secret) => {
    made = file === undefined ? { adminKey: secret } : { adminKeyFile: file };
    if (file === undefined) return;
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
    // A file that was there keeps its mode.
    await chmod(file, 0o600);
  });
  return made;
}

function printReport(
  report: RebuildReport,
  { output, write, key }: { output: Output; write: boolean; key: FirstKey | undefined },
): void {
  const { finished, ended, unfinished, deleted, unusable, known } = report;
  const owners = Object.entries(finished).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = owners.reduce((sum, [, count]) => sum + count, 0);
  const line = output.line;
  line(write ? `Farm ${report.farmId}: its jobs are listed again.` : `Farm ${report.farmId}: nothing was written.`);
  line(
    `  ${total} finished, from their manifests${owners.map(([owner, count]) => `\n    ${owner}: ${count}`).join('')}`,
  );
  line(`  ${ended} failed or canceled`);
  line(`  ${unfinished.length} unfinished, which start again from their inputs`);
  for (const { jobId, owner, objects } of unfinished)
    line(
      `    ${jobId} of ${owner}: ${objects.inputs.length} inputs, ${objects.prepared.length} prepared files, ` +
        `${objects.pieces.length} pieces, ${objects.states.length} states in storage`,
    );
  if (known > 0) line(`  ${known} are listed already`);
  if (deleted > 0) line(`  ${deleted} were deleted; the sweep removes what is left of them`);
  for (const { jobId, reason } of unusable) line(`  ${jobId} cannot be listed: ${reason}; its objects stay`);
  if (write) output.note(nextSteps(key));
  else output.note('Continue with the same command and --confirm.');
}

function nextSteps({ adminKey, adminKeyFile }: FirstKey = {}): string {
  const admin = adminKey
    ? `The first admin key, shown only here: ${adminKey}`
    : adminKeyFile
      ? `The first admin key is in ${adminKeyFile}.`
      : 'Redis has an admin key already.';
  return (
    `${admin} All other keys and the limits of owners are gone: make them again with \`farm keys create\` and ` +
    '`farm limits set`. The API answers again without a restart; start the scheduler and the workers where they have ended.'
  );
}
