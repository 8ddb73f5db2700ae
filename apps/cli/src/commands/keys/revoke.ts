import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from '../command.js';

export const revokeKeyCommand = (context: CommandContext) =>
  clientCommand('revoke')
    .description('End a key at once. Jobs submitted with it go on.')
    .argument('<key>', 'id of the key, as in `farm keys list`')
    .addHelpText('after', examples([['farm keys revoke 01jz6q', 'that key is refused from now on']]))
    .action(async (keyId: string, options: ClientOptions) => {
      await (await openClient(context, options)).revokeKey(keyId);
      if (options.json) return context.output.json({ id: keyId, revoked: true });
      context.output.line(`${keyId}  revoked`);
    });
