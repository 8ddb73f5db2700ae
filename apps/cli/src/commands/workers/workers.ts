import type { CommandContext } from '../command.js';
import { CommandGroup } from '../command-group.js';
import { drainWorkerCommand } from './drain.js';
import { listWorkersCommand } from './list.js';

export const workersCommand = (context: CommandContext) =>
  new CommandGroup('workers')
    .description('List the workers, or ask some to leave. Without a command: list.')
    .addCommand(listWorkersCommand(context), { isDefault: true })
    .addCommand(drainWorkerCommand(context));
