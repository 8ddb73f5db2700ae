import type { ObjectCount, StorageSweep } from '@farm/contracts';
import type { Output } from '../output/output.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';
import { CommandGroup } from './command-group.js';

export const storageCommand = (context: CommandContext) =>
  new CommandGroup('storage')
    .description('Look at the sweep of the object storage (needs an admin key).')
    .addHelpText(
      'after',
      examples([
        ['farm storage sweep', 'what the last sweep found, and whether it waits for you'],
        ['farm storage sweep --confirm', 'let it delete what waits'],
      ]),
    )
    .addCommand(sweepCommand(context));

const sweepCommand = (context: CommandContext) =>
  clientCommand('sweep')
    .description(
      'Show what the last sweep of the storage found. One that would delete unusually many objects (over 100, and over 5 % ' +
        'of them) which nobody asked it to delete stops before it does, and waits for --confirm.',
    )
    .option('--confirm', 'let the next sweep delete what waits, within ten minutes')
    .addHelpText('after', examples([['farm storage sweep --confirm', 'what waits is superfluous']]))
    .action(async ({ confirm, ...options }: ClientOptions & { confirm?: true }) => {
      const client = await openClient(context, options);
      const sweep = await (confirm ? client.confirmStorageSweep() : client.getStorageSweep());
      if (options.json) context.output.json(sweep);
      else printSweep(sweep, { output: context.output, isConfirmed: confirm === true });
    });

function printSweep(
  { at, seen, deleted, waiting, unknown }: StorageSweep,
  { output, isConfirmed }: { output: Output; isConfirmed: boolean },
): void {
  output.line(`The sweep of ${at} saw ${seen} objects and deleted ${deleted}.`);
  if (waiting) {
    const state = isConfirmed ? 'will be deleted by the next sweep' : 'wait for `farm storage sweep --confirm`';
    printCount(waiting, { state, output });
  }
  if (unknown.count > 0) printCount(unknown, { state: 'are mentioned by no record and left alone', output });
}

function printCount({ count, bytes, keys }: ObjectCount, { state, output }: { state: string; output: Output }): void {
  output.line(`${count} objects (${(bytes / 1e6).toFixed(1)} MB) ${state}:`);
  for (const key of keys) output.line(`  ${key}`);
  if (count > keys.length) output.line(`  and ${count - keys.length} more`);
}
