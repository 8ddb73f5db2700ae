import { type KeyRequest, type KeyView, type NewKey, Role } from '@farm/contracts';
import { Option } from 'commander';
import { InvalidOptionError } from '../errors.js';
import type { Output } from '../output/output.js';
import { table } from '../output/table.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { CommandGroup } from './command-group.js';

const LONGEST_GRACE_SECONDS = 604_800;

export const keysCommand = (context: CommandContext) =>
  new CommandGroup('keys')
    .description('Create, list, revoke and rotate API keys (needs an admin key), or see whose key you have.')
    .addHelpText(
      'after',
      examples([
        ['farm keys create --owner biology-101', 'a key for a course'],
        ['farm keys list', 'which keys exist'],
      ]),
    )
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context))
    .addCommand(rotateCommand(context))
    .addCommand(selfCommand(context));

const createCommand = (context: CommandContext) =>
  clientCommand('create')
    .description('Create a key. Its secret is shown once; the farm keeps only a hash.')
    .requiredOption('--owner <name>', 'whose jobs it sees: a person, a course, a program')
    .addOption(
      new Option('--role <role>', "submit: its owner's jobs; operator: everyone's jobs and workers; admin: keys too")
        .choices(Role.options)
        .default('submit'),
    )
    .addHelpText(
      'after',
      examples([
        ['farm keys create --owner biology-101', 'a key that submits and sees the jobs of biology-101'],
        ['farm keys create --owner ops --role operator > ops.key', 'the file gets the secret and nothing else'],
      ]),
    )
    .action(async ({ owner, role, ...options }: KeyRequest & ClientOptions) => {
      const client = await openClient(context, options);
      printNewKey(await client.createKey({ owner, role }), { output: context.output, json: options.json });
    });

const listCommand = (context: CommandContext) =>
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

const revokeCommand = (context: CommandContext) =>
  clientCommand('revoke')
    .description('Revoke a key immediately. Jobs submitted with it continue.')
    .argument('<key>', 'id of the key, as in `farm keys list`')
    .addHelpText('after', examples([['farm keys revoke 01jz6q', 'that key is refused from now on']]))
    .action(async (keyId: string, options: ClientOptions) => {
      await (await openClient(context, options)).revokeKey(keyId);
      if (options.json) return context.output.json({ id: keyId, revoked: true });
      context.output.line(`${keyId}  revoked`);
    });

const rotateCommand = (context: CommandContext) =>
  clientCommand('rotate')
    .description('Replace a key with a new one of the same owner and role. The old one keeps working for a while.')
    .argument('<key>', 'id of the key, as in `farm keys list`')
    .option('--grace <seconds>', 'how long the old key keeps working, at most a week', graceSeconds, 3600)
    .addHelpText(
      'after',
      examples([
        ['farm keys rotate 01jz6q > new.key', 'the old key works for another hour'],
        ['farm keys rotate 01jz6q --grace 0', 'the old key stops working now'],
      ]),
    )
    .action(async (keyId: string, { grace, ...options }: ClientOptions & { grace: number }) => {
      const client = await openClient(context, options);
      printNewKey(await client.rotateKey(keyId, grace), { output: context.output, json: options.json });
    });

const selfCommand = (context: CommandContext) =>
  clientCommand('self')
    .description('Show whose key you have and what it may do. Works with any key.')
    .addHelpText('after', examples([['farm keys self --key-file bio.key', 'what this key is']]))
    .action(async (options: ClientOptions) => {
      const key = await (await openClient(context, options)).getOwnKey();
      if (options.json) return context.output.json(key);
      printKeys([key], context.output);
    });

function printKeys(keys: readonly KeyView[], { line, paint }: Output): void {
  const rows = keys.map((key) => [key.id, key.owner, key.role, key.createdAt]);
  line(table(['KEY', 'OWNER', 'ROLE', 'CREATED'], rows, paint));
}

/** The secret alone on stdout, so that it can be redirected into a file. */
function printNewKey(key: NewKey, { output, json }: { output: Output; json: true | undefined }): void {
  if (json) {
    output.json(key);
    return;
  }
  output.line(key.secret);
  output.note(`Key ${key.id} of ${key.owner}, role ${key.role}. The secret is not shown again.`);
}

function graceSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds <= LONGEST_GRACE_SECONDS) return seconds;
  const expected = `whole seconds from 0 to ${LONGEST_GRACE_SECONDS} (a week)`;
  throw new InvalidOptionError('--grace', { value: text, expected });
}
