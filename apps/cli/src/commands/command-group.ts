import { Command, type CommandOptions } from 'commander';
import { UsageError } from '../errors.js';

class UnknownSubcommandError extends UsageError {
  constructor(word: string, group: Command) {
    const names = group.commands.map((command) => command.name()).join(', ');
    super(`farm ${group.name()} has no command "${word}". It has: ${names}.`);
  }
}

/** A command with subcommands, such as `farm keys`. */
export class CommandGroup extends Command {
  /** What runs when none of them is named. */
  fallback: Command | undefined;

  override addCommand(command: Command, options?: CommandOptions): this {
    if (options?.isDefault) {
      this.fallback = command;
      // A misspelled subcommand arrives here as an excess argument.
      command.allowExcessArguments().hook('preAction', () => this.#refuse(command.args));
    }
    return super.addCommand(command, options);
  }

  #refuse([word]: readonly string[]): void {
    if (word !== undefined) throw new UnknownSubcommandError(word, this);
  }
}
