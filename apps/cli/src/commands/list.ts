import { JobStatus, type JobView } from '@farm/contracts';
import { Option } from 'commander';
import { InvalidOptionError } from '../errors.js';
import { table } from '../output/table.js';
import { fit, percent, phaseOf } from '../progress/job-line.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';

interface ListOptions extends ClientOptions {
  readonly status?: JobStatus;
  readonly owner?: string;
  readonly limit: number;
  readonly cursor?: string;
}

const LONGEST_PAGE = 200;

export const listCommand = (context: CommandContext) =>
  clientCommand('list')
    .alias('ls')
    .description('List jobs, newest first.')
    .addOption(new Option('-s, --status <status>', 'only jobs of this status').choices(JobStatus.options))
    .option('--owner <name>', 'only jobs of this owner (needs an operator key)')
    .option('-n, --limit <count>', 'how many, 1 to 200', pageSize, 20)
    .option('--cursor <cursor>', 'continue after an earlier page')
    .addHelpText(
      'after',
      examples([
        ['farm list', 'the newest 20 jobs'],
        ['farm list --status running', 'what is rendering now'],
        ["farm list --json | jq -r '.jobs[].id'", 'ids, for a script'],
      ]),
    )
    .action(async (options: ListOptions) => {
      const client = await openClient(context, options);
      const { limit, status, owner, cursor } = options;
      const page = await client.listJobs({
        limit,
        ...(status && { status }),
        ...(owner !== undefined && { owner }),
        ...(cursor && { cursor }),
      });
      const { output } = context;
      if (options.json) return output.json(page);
      if (page.jobs.length === 0) return output.note('No jobs.');
      const columns = output.stdout.isTTY ? (output.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
      output.line(
        table(
          ['JOB', 'STATUS', 'DONE', 'CREATED', 'PROMPT'],
          page.jobs.map((job) => row(job, columns)),
          output.paint,
        ),
      );
      if (page.nextCursor) output.note(`More: farm list --cursor ${page.nextCursor}`);
    });

function row(job: JobView, columns: number): string[] {
  const done = job.progress.frameCount === null ? '' : percent(job.status === 'succeeded' ? 1 : job.progress.fraction);
  const cells = [job.id, phaseOf(job), done, `${job.createdAt.slice(0, 16).replace('T', ' ')}Z`];
  // The other columns take 26 + 10 + 5 + 17 characters and 8 between them.
  const room = Math.max(12, columns - 67);
  return [...cells, fit(job.spec.prompt.replaceAll('\n', ' '), Math.min(60, room))];
}

function pageSize(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= LONGEST_PAGE) return count;
  throw new InvalidOptionError('--limit', { value: text, expected: `a whole number from 1 to ${LONGEST_PAGE}` });
}
