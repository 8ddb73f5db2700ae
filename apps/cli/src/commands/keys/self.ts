import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printKeys } from './key-table.js';

export const ownKeyCommand = (context: CommandContext) =>
  clientCommand('self')
    .description('Show whose key you have and what it may do. Any key may ask.')
    .addHelpText('after', examples([['farm keys self --key-file bio.key', 'what this key is']]))
    .action(async (options: ClientOptions) => {
      const key = await (await openClient(context, options)).getOwnKey();
      if (options.json) return context.output.json(key);
      printKeys([key], context.output);
    });
