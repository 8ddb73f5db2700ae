import { type CommandContext, examples } from '../command.js';
import { CommandGroup } from '../command-group.js';
import { createKeyCommand } from './create.js';
import { listKeysCommand } from './list.js';
import { revokeKeyCommand } from './revoke.js';
import { rotateKeyCommand } from './rotate.js';
import { ownKeyCommand } from './self.js';

export const keysCommand = (context: CommandContext) =>
  new CommandGroup('keys')
    .description('Make, list, revoke and rotate keys (needs an admin key), or see whose key you have.')
    .addHelpText(
      'after',
      examples([
        ['farm keys create --owner biology-101', 'a key for a course'],
        ['farm keys list', 'which keys there are'],
      ]),
    )
    .addCommand(createKeyCommand(context))
    .addCommand(listKeysCommand(context))
    .addCommand(revokeKeyCommand(context))
    .addCommand(rotateKeyCommand(context))
    .addCommand(ownKeyCommand(context));
