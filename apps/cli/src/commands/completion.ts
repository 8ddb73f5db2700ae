import { Argument, Command } from 'commander';
import { completionScript, shells } from '../completion/completion-script.js';
import { createProgram } from '../run-farm.js';
import { type CommandContext, examples } from './command.js';

export const completionCommand = (context: CommandContext): Command =>
  new Command('completion')
    .description('Print the completion script of a shell.')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .addHelpText(
      'after',
      examples([
        ['source <(farm completion bash)', 'in ~/.bashrc'],
        ['source <(farm completion zsh)', 'in ~/.zshrc, after compinit'],
        ['farm completion fish > ~/.config/fish/completions/farm.fish', 'once'],
      ]),
    )
    .action((shell: (typeof shells)[number]) => {
      context.output.stdout.write(completionScript(createProgram(context), shell));
    });
