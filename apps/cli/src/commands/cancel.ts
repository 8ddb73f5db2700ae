import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { forEach } from './for-each.js';

export const cancelCommand = (context: CommandContext) =>
  clientCommand('cancel')
    .description('Cancel jobs. Engines stop within a second, and rendered frames are discarded.')
    .argument('<jobs...>', 'ids of the jobs')
    .addHelpText(
      'after',
      examples([
        ['farm cancel 01JZ6Q', 'cancel one job'],
        ["farm list --status queued --json | jq -r '.jobs[].id' | xargs farm cancel", 'cancel what has not started'],
      ]),
    )
    .action(async (jobIds: string[], options: ClientOptions) => {
      const client = await openClient(context, options);
      const act = async (jobId: string) => {
        const job = await client.cancelJob(jobId);
        return { word: job.status, document: { job } };
      };
      await forEach(jobIds, { context, json: options.json, noun: 'jobs', act });
    });
