import type { OwnerLimits, OwnerLimitsRequest } from '@farm/contracts';
import { InvalidOptionError, UsageError } from '../errors.js';
import type { Output } from '../output/output.js';
import { table } from '../output/table.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { CommandGroup } from './command-group.js';

const HIGHEST_LIMIT = 1_000_000;

class MissingLimitError extends UsageError {
  constructor(owner: string) {
    super(
      `Name a limit: --requests-per-minute or --unended-jobs. \`farm limits reset ${owner}\` returns to the farm's.`,
    );
  }
}

export const limitsCommand = (context: CommandContext) =>
  new CommandGroup('limits')
    .description('Show, set and reset the limits of an owner (needs an admin key).')
    .addHelpText(
      'after',
      examples([
        ['farm limits show biology-101', 'the limits of an owner'],
        ['farm limits set biology-101 --unended-jobs 50', 'fewer jobs at a time'],
      ]),
    )
    .addCommand(showCommand(context))
    .addCommand(setCommand(context))
    .addCommand(resetCommand(context));

const showCommand = (context: CommandContext) =>
  clientCommand('show')
    .description('Show the limits of an owner: its own where it has any, otherwise those of the farm.')
    .argument('<owner>', 'whose limits')
    .addHelpText('after', examples([['farm limits show biology-101', 'how much biology-101 may ask for']]))
    .action(async (owner: string, options: ClientOptions) => {
      const limits = await (await openClient(context, options)).getOwnerLimits(owner);
      printLimits(limits, { owner, output: context.output, json: options.json });
    });

const setCommand = (context: CommandContext) =>
  clientCommand('set')
    .description(
      "Set the limits of an owner. They replace earlier ones: a limit that is left out returns to the farm's.",
    )
    .argument('<owner>', 'whose limits')
    .option('--requests-per-minute <count>', 'requests of all its keys together', limit('--requests-per-minute'))
    .option('--unended-jobs <count>', 'jobs that wait or render at a time', limit('--unended-jobs'))
    .addHelpText(
      'after',
      examples([
        ['farm limits set biology-101 --requests-per-minute 600 --unended-jobs 50', 'both'],
        ['farm limits set biology-101 --unended-jobs 50', "one; the other is the farm's"],
      ]),
    )
    .action(
      async (owner: string, { requestsPerMinute, unendedJobs, ...options }: OwnerLimitsRequest & ClientOptions) => {
        if (requestsPerMinute === undefined && unendedJobs === undefined) throw new MissingLimitError(owner);
        const client = await openClient(context, options);
        const limits = await client.setOwnerLimits(owner, {
          ...(requestsPerMinute !== undefined && { requestsPerMinute }),
          ...(unendedJobs !== undefined && { unendedJobs }),
        });
        printLimits(limits, { owner, output: context.output, json: options.json });
      },
    );

const resetCommand = (context: CommandContext) =>
  clientCommand('reset')
    .description("Remove an owner's own limits: those of the farm apply again.")
    .argument('<owner>', 'whose limits')
    .addHelpText('after', examples([['farm limits reset biology-101', 'nothing special for biology-101 any more']]))
    .action(async (owner: string, options: ClientOptions) => {
      const limits = await (await openClient(context, options)).setOwnerLimits(owner, {});
      printLimits(limits, { owner, output: context.output, json: options.json });
    });

interface PrintOptions {
  readonly owner: string;
  readonly output: Output;
  readonly json: true | undefined;
}

function printLimits(limits: OwnerLimits, { owner, output, json }: PrintOptions): void {
  if (json) {
    output.json({ owner, ...limits });
    return;
  }
  const { requestsPerMinute, unendedJobs } = limits;
  const row = [owner, String(requestsPerMinute), String(unendedJobs)];
  output.line(table(['OWNER', 'REQUESTS PER MINUTE', 'UNENDED JOBS'], [row], output.paint));
}

function limit(option: string): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= 1 && count <= HIGHEST_LIMIT) return count;
    throw new InvalidOptionError(option, { value: text, expected: `a whole number from 1 to ${HIGHEST_LIMIT}` });
  };
}
