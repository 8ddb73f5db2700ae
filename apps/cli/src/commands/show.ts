import type { AttemptView, JobDetail, SignedUrls, TaskView } from '@farm/contracts';
import type { Output } from '../output/output.js';
import { table } from '../output/table.js';
import { phaseOf, progressFacts } from '../progress/job-line.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';

interface ShowOptions extends ClientOptions {
  readonly log?: true;
  readonly manifest?: true;
  readonly urls?: true;
}

export const showCommand = (context: CommandContext) =>
  clientCommand('show')
    .description('Show everything about a job: settings, progress, tasks, attempts, errors.')
    .argument('<job>', 'id of the job')
    .option('--log', 'print its log instead')
    .option('--manifest', 'print the manifest of its video instead (JSON)')
    .option('--urls', 'print URLs of its video, manifest and poster instead; they need no key and work for an hour')
    .addHelpText(
      'after',
      examples([
        ['farm show 01JZ6Q', 'the job and its tasks'],
        ['farm show 01JZ6Q --log', 'what its workers wrote'],
        ['farm show 01JZ6Q --urls', 'links to send to someone without a key'],
        ['farm show 01JZ6Q --json | jq .spec.seed', 'the seed it was rendered with'],
      ]),
    )
    .action(async (jobId: string, options: ShowOptions) => {
      const client = await openClient(context, options);
      const { output } = context;
      if (options.log) return output.line((await client.getLog(jobId)).trimEnd());
      if (options.manifest) return output.json(await client.getManifest(jobId));
      if (options.urls) return showUrls(await client.getSignedUrls(jobId), { output, json: options.json });
      const job = await client.getJob(jobId);
      if (options.json) return output.json(job);
      showJob(job, output);
    });

function showUrls(signed: SignedUrls, { output, json }: { output: Output; json: true | undefined }): void {
  if (json) {
    output.json(signed);
    return;
  }
  for (const [name, url] of Object.entries(signed.urls)) output.line(`${output.paint('dim', name.padEnd(8))}  ${url}`);
  output.note(`They expire at ${signed.expiresAt}.`);
}

function showJob(job: JobDetail, { line, paint }: Output): void {
  const { spec } = job;
  const facts: Array<[string, string | undefined]> = [
    ['job', job.id],
    ['status', [phaseOf(job), ...(job.error ? [] : progressFacts(job))].join(', ')],
    ['error', job.error ? `${job.error.message} (${job.error.code})` : undefined],
    ['owner', job.owner],
    ['created', job.createdAt],
    ['ended', job.endedAt ?? undefined],
    ['engine', `${spec.engine} on ${job.vramClass}, ${spec.precision}, ${spec.steps} steps, seed ${spec.seed}`],
    ['size', `${spec.width}*${spec.height}`],
    ['prompt', spec.prompt],
  ];
  for (const [name, value] of facts) if (value !== undefined) line(`${paint('dim', name.padEnd(8))}  ${value}`);
  for (const warning of job.warnings) line(`${paint('yellow', 'warning'.padEnd(8))}  ${warning.message}`);
  if (job.tasks.length === 0) return;
  line('');
  line(table(['TASK', 'STATUS', 'FRAMES', 'CLASS', 'ATTEMPTS'], job.tasks.map(taskRow), paint));
  for (const task of job.tasks) {
    for (const attempt of task.attempts) {
      if (attempt.error)
        line(
          `${task.kind}, attempt ${attempt.number} on ${attempt.workerId}: ${attempt.error.message}${whoseFault(attempt)}`,
        );
    }
  }
}

const whoseFault = ({ failureClass }: AttemptView) => (failureClass === null ? '' : ` (${failureClass})`);

function taskRow(task: TaskView): string[] {
  const isRender = task.kind === 'render';
  const last = task.attempts.at(-1);
  const attempts = last === undefined ? '' : `${task.attempts.length}, last ${last.status} on ${last.workerId}`;
  const frames = isRender ? `${task.framesCommitted} of ${task.frameCount}` : '';
  return [task.kind, task.status, frames, task.taskClass, attempts];
}
