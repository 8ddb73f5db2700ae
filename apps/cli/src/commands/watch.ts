import { hasEnded, type JobDetail } from '@farm/contracts';
import { InterruptedError } from '../errors.js';
import { createProgressView } from '../progress/create-progress-view.js';
import { watchAndSave } from '../watch-and-save.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';

interface WatchCommandOptions extends ClientOptions {
  readonly out?: string;
}

export const watchCommand = (context: CommandContext) =>
  clientCommand('watch')
    .description('Show the progress of a job until it has ended. Ctrl-C stops watching, not the job.')
    .argument('<job>', 'id of the job')
    .option('-o, --out <file>', 'save the video here when it is done')
    .addHelpText(
      'after',
      examples([
        ['farm watch 01JZ6Q', 'progress until the job has ended'],
        ['farm watch 01JZ6Q --out talk.mp4', 'and then save its video'],
        ['farm watch 01JZ6Q --json | jq .job.progress', 'one line of JSON per change'],
      ]),
    )
    .action((jobId: string, options: WatchCommandOptions) => watch(jobId, options, context));

async function watch(jobId: string, options: WatchCommandOptions, context: CommandContext): Promise<void> {
  const { output, signal, environment } = context;
  const view = options.json ? undefined : createProgressView({ stream: output.stdout, environment });
  const client = await openClient(context, options, view?.note);
  const onUpdate = (job: JobDetail) => {
    view?.update(job.id, job);
    if (options.json && !hasEnded(job.status)) output.json({ event: 'progress', job }, { compact: true });
    if (options.json && hasEnded(job.status)) output.json({ event: 'ended', job }, { compact: true });
  };
  try {
    const { savedTo } = await watchAndSave(client, { jobId, outPath: options.out }, { signal, onUpdate });
    view?.close();
    if (savedTo === undefined) return;
    if (options.json) output.json({ event: 'saved', jobId, path: savedTo }, { compact: true });
    else output.line(`video: ${savedTo}`);
  } catch (error) {
    view?.close();
    if (!signal.aborted) throw error;
    throw InterruptedError.whileWatching(jobId);
  }
}
