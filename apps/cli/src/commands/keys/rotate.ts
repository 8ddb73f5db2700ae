import { usageError } from '../../exit-codes.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';
import { printNewKey } from './print-new-key.js';

const LONGEST_GRACE_SECONDS = 604_800;

export const rotateKeyCommand = (context: CommandContext) =>
  clientCommand('rotate')
    .description('Replace a key by a new one of the same owner and role. The old one goes on for a while.')
    .argument('<key>', 'id of the key, as in `farm keys list`')
    .option('--grace <seconds>', 'how long the old key goes on, at most a week', graceSeconds, 3600)
    .addHelpText(
      'after',
      examples([
        ['farm keys rotate 01jz6q > new.key', 'the old key works for another hour'],
        ['farm keys rotate 01jz6q --grace 0', 'the old key ends now'],
      ]),
    )
    .action(async (keyId: string, { grace, ...options }: ClientOptions & { grace: number }) => {
      const client = await openClient(context, options);
      printNewKey(await client.rotateKey(keyId, grace), { output: context.output, json: options.json });
    });

function graceSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds <= LONGEST_GRACE_SECONDS) return seconds;
  throw usageError(`--grace: write whole seconds from 0 to ${LONGEST_GRACE_SECONDS} (a week), not "${text}".`);
}
