import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { forEach } from './for-each.js';

export const retryCommand = (context: CommandContext) =>
  clientCommand('retry')
    .description('Retry failed or canceled jobs. Clips that are already rendered are not rendered again.')
    .argument('<jobs...>', 'ids of the jobs')
    .addHelpText(
      'after',
      examples([
        ['farm retry 01JZ6Q', 'continue after the last rendered clip'],
        ["farm list --status failed --json | jq -r '.jobs[].id' | xargs farm retry", 'all that failed'],
      ]),
    )
    .action(async (jobIds: string[], options: ClientOptions) => {
      const client = await openClient(context, options);
      const act = async (jobId: string) => {
        const job = await client.retryJob(jobId);
        return { word: job.status, document: { job } };
      };
      await forEach(jobIds, { context, json: options.json, noun: 'jobs', act });
    });
