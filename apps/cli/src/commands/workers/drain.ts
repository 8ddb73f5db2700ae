import { setTimeout as sleep } from 'node:timers/promises';
import type { FarmClient } from '../../client/index.js';
import { CommandError, exitCodes } from '../../exit-codes.js';
import { detached } from '../../watch/watch-and-save.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { forEach } from '../for-each.js';

interface DrainOptions extends ClientOptions {
  readonly wait?: true;
}

const POLL_MS = 1000;

export const drainWorkerCommand = (context: CommandContext) =>
  clientCommand('drain')
    .description(
      'Ask workers to finish the clip under way, hand back the rest and leave. No job is lost, no failure counted. ' +
        'What looks after the process (`farm up`, a service) may start a new worker in its place.',
    )
    .argument('<workers...>', 'ids of the workers, as in `farm workers`')
    .option('-w, --wait', 'until they have left')
    .addHelpText(
      'after',
      examples([
        ['farm workers drain gpu-7', 'before gpu-7 is updated'],
        ['farm workers drain gpu-7 --wait && ssh gpu-7 sudo reboot', 'and then go on'],
      ]),
    )
    .action(async (workerIds: string[], options: DrainOptions) => {
      const client = await openClient(context, options);
      const before = options.wait ? await client.listWorkers() : [];
      // All are asked before the first is waited for, so that none is handed what another gives back.
      const answers = await Promise.allSettled(workerIds.map((workerId) => client.drainWorker(workerId)));
      const act = async (workerId: string) => {
        const answer = answers[workerIds.indexOf(workerId)];
        if (answer?.status === 'rejected') throw answer.reason;
        if (!options.wait) return { word: 'draining', document: { status: 'draining' } };
        const startedAt = before.find(({ id }) => id === workerId)?.startedAt;
        await untilGone(client, { id: workerId, startedAt }, context);
        return { word: 'gone', document: { status: 'gone' } };
      };
      await forEach(workerIds, { context, json: options.json, noun: 'workers', act });
    });

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
      if (worker.startedAt !== startedAt) throw startedAnew(id);
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw detached(`Stopped waiting; ${id} leaves all the same. See it go with: farm workers`);
  }
}

/** Registering again forgets what a worker was asked: a new process of the same name need not leave. */
function startedAnew(id: string): CommandError {
  const message = `${id} has started anew since it was asked to leave. If it is to leave too, run the command again.`;
  return new CommandError({ code: 'worker-started-anew', exitCode: exitCodes.conflict, message });
}
