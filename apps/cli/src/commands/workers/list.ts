import type { WorkerView } from '@farm/contracts';
import { table } from '../../output/table.js';
import { formatDuration } from '../../progress/index.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';

export const listWorkersCommand = (context: CommandContext) =>
  clientCommand('list')
    .alias('ls')
    .description('List the workers of the farm: what they are and what they do.')
    .addHelpText(
      'after',
      examples([
        ['farm workers', 'a line for every worker'],
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
      const header = ['WORKER', 'STATUS', 'CLASS', 'ENGINE', 'HOST', 'SEEN', 'JOBS'];
      output.line(table(header, workers.map(row), output.paint));
    });

function row(worker: WorkerView): string[] {
  const seen = `${formatDuration((Date.now() - Date.parse(worker.seenAt)) / 1000)} ago`;
  const jobs = [...new Set(worker.attempts.map((attempt) => attempt.jobId))].join(' ');
  const vramClass = worker.gpu === null ? worker.vramClass : `${worker.vramClass} (${worker.gpu})`;
  return [worker.id, worker.status, vramClass, worker.engine, worker.host, seen, jobs];
}
