import { setTimeout as sleep } from 'node:timers/promises';
import type { FarmClient } from '@farm/client';
import { CLOCK_SKEW_WARNING_MS, type WorkerView } from '@farm/contracts';
import { CommandError, InterruptedError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { table } from '../output/table.js';
import { formatDuration } from '../progress/duration.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { CommandGroup } from './command-group.js';
import { forEach } from './for-each.js';

const POLL_MS = 1000;

/** Registering again forgets what a worker was asked: a new process of the same name need not leave. */
class WorkerRestartedError extends CommandError {
  constructor(workerId: string) {
    const message = `${workerId} has restarted since it was asked to leave. Run the command again to drain it, too.`;
    super('worker-restarted', message, { exitCode: exitCodes.conflict });
  }
}

export const workersCommand = (context: CommandContext) =>
  new CommandGroup('workers')
    .description('List the workers, or ask some of them to leave. Without a subcommand: list.')
    .addHelpText(
      'after',
      examples([
        ['farm workers', 'one line per worker'],
        ['farm workers drain gpu-7 --wait', 'let one leave'],
      ]),
    )
    .addCommand(listCommand(context), { isDefault: true })
    .addCommand(drainCommand(context));

const listCommand = (context: CommandContext) =>
  clientCommand('list')
    .alias('ls')
    .description(
      'List the workers of the farm: what they are and what they are doing. A worker that failed three times in a row is ' +
        'quarantined: it claims no renders until a test of its own succeeds, which it repeats after growing pauses, and ' +
        'immediately when it is restarted.',
    )
    .addHelpText(
      'after',
      examples([
        ['farm workers', 'one line per worker'],
        ['farm workers --json | jq \'[.workers[] | select(.status == "idle")] | length\'', 'how many are free'],
      ]),
    )
    .action(async (options: ClientOptions) => {
      const client = await openClient(context, options);
      const workers = await client.listWorkers();
      const { output } = context;
      if (options.json) return output.json({ workers });
      if (workers.length === 0) {
        return output.note('No workers. Jobs wait until one registers; `farm up` starts one on this machine.');
      }
      const header = ['WORKER', 'STATUS', 'CLASS', 'ENGINE', 'HOST', 'SEEN', 'CLOCK', 'JOBS'];
      output.line(table(header, workers.map(row), output.paint));
      for (const worker of workers) warnOfClock(worker, output);
      for (const { id, quarantine } of workers) if (quarantine) output.line(whyQuarantined(id, quarantine));
    });

function whyQuarantined(id: string, { since, reason }: NonNullable<WorkerView['quarantine']>): string {
  const age = formatDuration((Date.now() - Date.parse(since)) / 1000);
  return `${id} has been quarantined for ${age}, until a test render succeeds: ${reason.message} (${reason.code})`;
}

function row(worker: WorkerView): string[] {
  const seen = `${formatDuration((Date.now() - Date.parse(worker.seenAt)) / 1000)} ago`;
  const jobs = [...new Set(worker.attempts.map((attempt) => attempt.jobId))].join(' ');
  const vramClass = worker.gpu === null ? worker.vramClass : `${worker.vramClass} (${worker.gpu})`;
  return [worker.id, worker.status, vramClass, worker.engine, worker.host, seen, clockOf(worker), jobs];
}

const isClockWrong = ({ clockSkewMs }: WorkerView) => Math.abs(clockSkewMs ?? 0) > CLOCK_SKEW_WARNING_MS;

/** How far a wrong clock is ahead; `ok` for one that is right. */
function clockOf(worker: WorkerView): string {
  if (worker.clockSkewMs === null) return '';
  const sign = worker.clockSkewMs < 0 ? '-' : '+';
  return isClockWrong(worker) ? `${sign}${formatDuration(Math.abs(worker.clockSkewMs) / 1000)}` : 'ok';
}

function warnOfClock(worker: WorkerView, output: CommandContext['output']): void {
  if (isClockWrong(worker))
    output.note(`The clock of ${worker.id} (${worker.host}) differs by ${clockOf(worker)} from the farm's. Set it.`);
}

interface DrainOptions extends ClientOptions {
  readonly wait?: true;
}

const drainCommand = (context: CommandContext) =>
  clientCommand('drain')
    .description(
      'Ask workers to finish the current clip, give back the rest of their work and leave. No job is lost, and no ' +
        'failure is counted. Whatever supervises the process (`farm up`, a service) may start a new worker in its place.',
    )
    .argument('<workers...>', 'ids of the workers, as in `farm workers`')
    .option('-w, --wait', 'wait until they have left')
    .addHelpText(
      'after',
      examples([
        ['farm workers drain gpu-7', 'before gpu-7 is updated'],
        ['farm workers drain gpu-7 --wait && ssh gpu-7 sudo reboot', 'reboot once it has left'],
      ]),
    )
    .action((workerIds: string[], options: DrainOptions) => drain(workerIds, options, context));

async function drain(workerIds: readonly string[], options: DrainOptions, context: CommandContext): Promise<void> {
  const client = await openClient(context, options);
  const before = options.wait ? await client.listWorkers() : [];
  // All are asked before the first is waited for, so that none claims what another gives back.
  const requests = await Promise.allSettled(workerIds.map((workerId) => client.drainWorker(workerId)));
  const act = async (workerId: string) => {
    const request = requests[workerIds.indexOf(workerId)];
    if (request?.status === 'rejected') throw request.reason;
    if (!options.wait) return { word: 'draining', document: { status: 'draining' } };
    const startedAt = before.find(({ id }) => id === workerId)?.startedAt;
    await untilGone(client, { id: workerId, startedAt }, context);
    return { word: 'gone', document: { status: 'gone' } };
  };
  await forEach(workerIds, { context, json: options.json, noun: 'workers', act });
}

interface LeavingWorker {
  readonly id: string;
  readonly startedAt: string | undefined;
}

/** A worker that left is no longer listed; one that died is offline. */
async function untilGone(
  client: FarmClient,
  { id, startedAt }: LeavingWorker,
  { signal }: CommandContext,
): Promise<void> {
  try {
    for (;;) {
      const worker = (await client.listWorkers()).find((candidate) => candidate.id === id);
      if (worker === undefined || worker.status === 'offline') return;
      if (worker.startedAt !== startedAt) throw new WorkerRestartedError(id);
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw InterruptedError.whileDraining(id);
  }
}
