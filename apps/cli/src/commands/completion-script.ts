import type { Command, Option } from 'commander';
import { CommandGroup } from './command-group.js';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What can follow the words of one command. */
interface CommandWords {
  /** The words that lead here, without the program's name: '', 'submit', 'keys create'. */
  readonly path: string;
  readonly subcommands: ReadonlyArray<{ readonly name: string; readonly description: string }>;
  readonly options: readonly Option[];
  /** Allowed values of an argument, where they are limited. */
  readonly choices: readonly string[];
}

/** A script that completes commands, options and the values that are known; files everywhere else. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = [...describe(program, '')];
  return shell === 'fish' ? fishScript(commands) : bashScript(commands, shell);
}

function* describe(command: Command, path: string): Generator<CommandWords> {
  const subcommands = command.commands.map((child) => ({ name: child.name(), description: firstSentence(child) }));
  const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const { options } = (command instanceof CommandGroup && command.fallback) || command;
  yield { path, subcommands, options: options.filter((option) => !option.hidden), choices };
  for (const child of command.commands) yield* describe(child, `${path} ${child.name()}`.trim());
}

function firstSentence(command: Command): string {
  return /^.*?[.:](?=\s|$)/.exec(command.description())?.[0].replace(/[.:]$/, '') ?? command.description();
}

/** zsh reads bash's script by its own `bashcompinit`. */
function bashScript(commands: readonly CommandWords[], shell: 'bash' | 'zsh'): string {
  const cases = commands.map(({ path, subcommands, options, choices }) => {
    const words = [...subcommands.map(({ name }) => name), ...choices, ...options.map(({ long }) => long), '--help'];
    return `    '${path}') words='${words.join(' ')}' ;;`;
  });
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap((option) =>
      option.argChoices ? [`    '${path} ${option.long}') words='${option.argChoices.join(' ')}' ;;`] : [],
    ),
  );
  const withValue = [...new Set(commands.flatMap(({ options }) => options.filter(takesValue).flatMap(names)))];
  const names_ = commands.map(({ path }) => `'${path}'`).filter((name) => name !== "''");
  return `# ${shell} completion of farm, made by \`farm completion ${shell}\`
${shell === 'zsh' ? 'autoload -Uz bashcompinit && bashcompinit\n' : ''}_farm() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${path:+$path }\${COMP_WORDS[i]}"
    case "$word" in
      ${names_.join('|')}) path="$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $previous" in
${values.map((line) => `  ${line}`).join('\n')}
  esac
  if [[ -z $words ]]; then
    case "$previous" in
      ${withValue.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    esac
    case "$path" in
${cases.map((line) => `  ${line}`).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o filenames -F _farm farm
`;
}

function fishScript(commands: readonly CommandWords[]): string {
  const groups = commands.filter(({ path, subcommands }) => path !== '' && subcommands.length > 0);
  const groupNames = groups.map(({ path }) => path);
  const lines = commands.flatMap(({ path, subcommands, options, choices }) => {
    const condition = fishCondition(path, { subcommands, groupNames });
    return [
      ...(choices.length > 0 ? [`complete -c farm -f -n ${condition} -a ${quoted(choices.join(' '))}`] : []),
      ...subcommands.map(
        ({ name, description }) => `complete -c farm -f -n ${condition} -a ${name} -d ${quoted(description)}`,
      ),
      ...options.map((option) => `complete -c farm -n ${condition} ${fishOption(option)}`),
    ];
  });
  return ['# fish completion of farm, made by `farm completion fish`', ...lines, ''].join('\n');
}

/** `keys list` and `list` share a word: the options of one must not show up at the other. */
function fishCondition(
  path: string,
  { subcommands, groupNames }: Pick<CommandWords, 'subcommands'> & { groupNames: readonly string[] },
): string {
  if (path === '') return '__fish_use_subcommand';
  const seen = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
  const others = groupNames.filter((name) => !path.split(' ').includes(name));
  const absent = [...subcommands.map(({ name }) => name), ...others];
  return quoted(
    [...seen, ...(absent.length > 0 ? [`not __fish_seen_subcommand_from ${absent.join(' ')}`] : [])].join('; and '),
  );
}

function fishOption(option: Option): string {
  const parts = [`-l ${(option.long ?? '').slice(2)}`];
  if (option.short) parts.push(`-s ${option.short.slice(1)}`);
  if (takesValue(option)) parts.push('-r');
  if (option.argChoices) parts.push(`-f -a ${quoted(option.argChoices.join(' '))}`);
  return [...parts, `-d ${quoted(option.description)}`].join(' ');
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function names(option: Option): string[] {
  return [option.short, option.long].filter((name) => name !== undefined);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
