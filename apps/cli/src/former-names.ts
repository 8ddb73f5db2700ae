/** Words of earlier versions, still accepted everywhere; neither help nor completion shows them. */
const commands: Readonly<Record<string, string>> = { models: 'weights' };
const options: Readonly<Record<string, string>> = { '--image': '--portrait', '--audio': '--speech' };
/** `plan` never had these options: its portrait is a size. */
const commandsWithOptions = ['submit', 'demo'];

/** The command line with current names. */
export function translateFormerNames(commandLine: readonly string[]): string[] {
  const [first, ...rest] = commandLine;
  if (first === undefined) return [];
  if (first === 'help') return [first, ...translateFormerNames(rest)];
  const command = commands[first] ?? first;
  return commandsWithOptions.includes(command) ? [command, ...translateOptions(rest)] : [command, ...rest];
}

function translateOptions(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  const count = end === -1 ? words.length : end;
  return words.map((word, index) => {
    const [name = '', ...value] = word.split('=');
    const today = index < count ? options[name] : undefined;
    return today === undefined ? word : [today, ...value].join('=');
  });
}
