import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { forEach } from './for-each.js';

export const deleteCommand = (context: CommandContext) =>
  clientCommand('delete')
    .alias('rm')
    .description('Delete jobs that have ended, with their videos and inputs. This cannot be undone.')
    .argument('<jobs...>', 'ids of the jobs')
    .addHelpText(
      'after',
      examples([
        ['farm delete 01JZ6Q', 'the job is gone immediately, its files with the next sweep of the storage'],
        ["farm list --status failed --json | jq -r '.jobs[].id' | xargs farm delete", 'all that failed'],
      ]),
    )
    .action(async (jobIds: string[], options: ClientOptions) => {
      const client = await openClient(context, options);
      const act = async (jobId: string) => {
        await client.deleteJob(jobId);
        return { word: 'deleted', document: { deleted: true } };
      };
      await forEach(jobIds, { context, json: options.json, noun: 'jobs', act });
    });
