import type { OwnerLimits } from '../../client/index.js';
import { usageError } from '../../exit-codes.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printLimits } from './print-limits.js';

type SetOptions = ClientOptions & Partial<OwnerLimits>;

const HIGHEST = 1_000_000;

export const setLimitsCommand = (context: CommandContext) =>
  clientCommand('set')
    .description("Set the limits of an owner. They replace those set before: one that is left out is the farm's again.")
    .argument('<owner>', 'whose limits')
    .option('--requests-per-minute <count>', 'requests of all its keys together', limit)
    .option('--unended-jobs <count>', 'jobs that wait or render at a time', limit)
    .addHelpText(
      'after',
      examples([
        ['farm limits set biology-101 --requests-per-minute 600 --unended-jobs 50', 'both'],
        ['farm limits set biology-101 --unended-jobs 50', "one; the other is the farm's"],
      ]),
    )
    .action(async (owner: string, { requestsPerMinute, unendedJobs, ...options }: SetOptions) => {
      if (requestsPerMinute === undefined && unendedJobs === undefined) {
        throw usageError(
          `Name a limit: --requests-per-minute or --unended-jobs. \`farm limits reset ${owner}\` returns to the farm's.`,
        );
      }
      const client = await openClient(context, options);
      const limits = await client.setOwnerLimits(owner, {
        ...(requestsPerMinute !== undefined && { requestsPerMinute }),
        ...(unendedJobs !== undefined && { unendedJobs }),
      });
      printLimits(limits, { owner, output: context.output, json: options.json });
    });

function limit(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= HIGHEST) return count;
  throw usageError(`A limit is a whole number from 1 to ${HIGHEST}, not "${text}".`);
}
