import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printKeys } from './key-table.js';

export const listKeysCommand = (context: CommandContext) =>
  clientCommand('list')
    .alias('ls')
    .description('List keys, oldest first. Secrets cannot be shown again.')
    .option('--owner <name>', 'only the keys of this owner')
    .addHelpText('after', examples([['farm keys list --owner biology-101', 'who may submit for biology-101']]))
    .action(async ({ owner, ...options }: ClientOptions & { owner?: string }) => {
      const keys = await (await openClient(context, options)).listKeys(owner);
      const { output } = context;
      if (options.json) return output.json({ keys });
      if (keys.length === 0) return output.note('No keys.');
      printKeys(keys, output);
    });
