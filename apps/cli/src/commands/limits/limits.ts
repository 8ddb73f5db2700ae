import type { CommandContext } from '../command.js';
import { CommandGroup } from '../command-group.js';
import { resetLimitsCommand } from './reset.js';
import { setLimitsCommand } from './set.js';
import { showLimitsCommand } from './show.js';

export const limitsCommand = (context: CommandContext) =>
  new CommandGroup('limits')
    .description('Show, set and reset the limits of an owner (needs an admin key).')
    .addCommand(showLimitsCommand(context))
    .addCommand(setLimitsCommand(context))
    .addCommand(resetLimitsCommand(context));
