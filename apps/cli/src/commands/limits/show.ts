import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printLimits } from './print-limits.js';

export const showLimitsCommand = (context: CommandContext) =>
  clientCommand('show')
    .description('Show what holds for an owner: its own limits, else those of the farm.')
    .argument('<owner>', 'whose limits')
    .addHelpText('after', examples([['farm limits show biology-101', 'how much biology-101 may ask for']]))
    .action(async (owner: string, options: ClientOptions) => {
      const limits = await (await openClient(context, options)).getOwnerLimits(owner);
      printLimits(limits, { owner, output: context.output, json: options.json });
    });
