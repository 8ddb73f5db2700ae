import { type CommandContext, examples } from '../command.js';
import { CommandGroup } from '../command-group.js';
import { resetLimitsCommand } from './reset.js';
import { setLimitsCommand } from './set.js';
import { showLimitsCommand } from './show.js';

export const limitsCommand = (context: CommandContext) =>
  new CommandGroup('limits')
    .description('Show, set and reset the limits of an owner (needs an admin key).')
    .addHelpText(
      'after',
      examples([
        ['farm limits show biology-101', 'what holds for an owner'],
        ['farm limits set biology-101 --unended-jobs 50', 'fewer jobs at a time'],
      ]),
    )
    .addCommand(showLimitsCommand(context))
    .addCommand(setLimitsCommand(context))
    .addCommand(resetLimitsCommand(context));
