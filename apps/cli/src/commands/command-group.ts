import { Command, type CommandOptions } from 'commander';
import { usageError } from '../exit-codes.js';

/** A command of commands, such as `farm keys`. */
export class CommandGroup extends Command {
  /** What it does when none of them is named. */
  fallback: Command | undefined;

  override addCommand(command: Command, options?: CommandOptions): this {
    if (options?.isDefault) {
      this.fallback = command;
      // A misspelled command arrives here as an argument too many.
      command.allowExcessArguments().hook('preAction', () => this.#refuse(command.args));
    }
    return super.addCommand(command, options);
  }

  #refuse([word]: readonly string[]): void {
    if (word === undefined) return;
    const names = this.commands.map((command) => command.name()).join(', ');
    throw usageError(`farm ${this.name()} has no command "${word}". It has: ${names}.`);
  }
}
