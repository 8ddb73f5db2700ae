import { Command } from 'commander';
import type { CommandContext } from '../command.js';
import { createKeyCommand } from './create.js';
import { listKeysCommand } from './list.js';
import { revokeKeyCommand } from './revoke.js';
import { rotateKeyCommand } from './rotate.js';

export const keysCommand = (context: CommandContext) =>
  new Command('keys')
    .description('Make, list, revoke and rotate keys (needs an admin key).')
    .addCommand(createKeyCommand(context))
    .addCommand(listKeysCommand(context))
    .addCommand(revokeKeyCommand(context))
    .addCommand(rotateKeyCommand(context));
