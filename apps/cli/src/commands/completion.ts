import { Argument, Command } from 'commander';
import { type CommandContext, examples } from './command.js';
import { completionScript, type Shell, shells } from './completion-script.js';

export const completionCommand = (context: CommandContext): Command =>
  new Command('completion')
    .description('Print the completion script for a shell.')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .addHelpText(
      'after',
      examples([
        ['source <(farm completion bash)', 'in ~/.bashrc'],
        ['source <(farm completion zsh)', 'in ~/.zshrc, after compinit'],
        ['farm completion fish > ~/.config/fish/completions/farm.fish', 'once'],
      ]),
    )
    .action((shell: Shell, _options: object, command: Command) => {
      context.output.stdout.write(completionScript(command.parent ?? command, shell));
    });
