import { Option } from 'commander';
import { type KeyRequest, keyRoles } from '../../client/index.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printNewKey } from './print-new-key.js';

export const createKeyCommand = (context: CommandContext) =>
  clientCommand('create')
    .description('Make a key. Its secret is shown once; the farm keeps only a hash.')
    .requiredOption('--owner <name>', 'whose jobs it sees: a person, a course, a program')
    .addOption(
      new Option('--role <role>', "submit: its owner's jobs; operator: everyone's jobs and workers; admin: keys too")
        .choices(keyRoles)
        .default('submit'),
    )
    .addHelpText(
      'after',
      examples([
        ['farm keys create --owner biology-101', 'a key that submits and sees the jobs of biology-101'],
        ['farm keys create --owner ops --role operator > ops.key', 'the secret alone goes into the file'],
      ]),
    )
    .action(async ({ owner, role, ...options }: KeyRequest & ClientOptions) => {
      const client = await openClient(context, options);
      printNewKey(await client.createKey({ owner, role }), { output: context.output, json: options.json });
    });
