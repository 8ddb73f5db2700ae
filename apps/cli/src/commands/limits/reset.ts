import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printLimits } from './print-limits.js';

export const resetLimitsCommand = (context: CommandContext) =>
  clientCommand('reset')
    .description('Let an owner follow the limits of the farm again.')
    .argument('<owner>', 'whose limits')
    .addHelpText('after', examples([['farm limits reset biology-101', 'nothing special for biology-101 any more']]))
    .action(async (owner: string, options: ClientOptions) => {
      const limits = await (await openClient(context, options)).setOwnerLimits(owner, {});
      printLimits(limits, { owner, output: context.output, json: options.json });
    });
