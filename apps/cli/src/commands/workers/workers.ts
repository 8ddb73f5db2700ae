import { type CommandContext, examples } from '../command.js';
import { CommandGroup } from '../command-group.js';
import { drainWorkerCommand } from './drain.js';
import { listWorkersCommand } from './list.js';

export const workersCommand = (context: CommandContext) =>
  new CommandGroup('workers')
    .description('List the workers, or ask some to leave. Without a command: list.')
    .addHelpText(
      'after',
      examples([
        ['farm workers', 'a line for every worker'],
        ['farm workers drain gpu-7 --wait', 'let one leave'],
      ]),
    )
    .addCommand(listWorkersCommand(context), { isDefault: true })
    .addCommand(drainWorkerCommand(context));
