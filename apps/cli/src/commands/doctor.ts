import { defaultDataDirectory } from '@farm/local-farm';
import { Command, Option } from 'commander';
import type { Finding } from '../doctor/finding.js';
import { type JudgeOptions, judgeMachine } from '../doctor/judge-machine.js';
import { probeMachine } from '../doctor/probe-machine.js';
import { CommandError } from '../errors.js';
import { exitCodes } from '../exit-codes.js';
import { DEFAULT_URL } from '../farm-location.js';
import type { Output } from '../output/output.js';
import { parsePort } from '../parse-port.js';
import { type CommandContext, examples, type JsonOption } from './command.js';

class MachineUnfitError extends CommandError {
  constructor(problemCount: number) {
    const found = problemCount === 1 ? 'One problem was found' : `${problemCount} problems were found`;
    super('machine-unfit', `${found}; see above.`, { exitCode: exitCodes.machineUnfit });
  }
}

interface DoctorOptions extends JsonOption, JudgeOptions {
  readonly data?: string;
  readonly port: string;
  readonly weights?: string;
}

export const doctorCommand = (context: CommandContext) =>
  new Command('doctor')
    .description('Check whether this machine has what a farm needs, and say what is wrong and what to do about it.')
    .option('--json', 'print JSON for programs')
    .addOption(
      new Option('--engine <name>', 'what this machine will run; auto: liveavatar where there is an NVIDIA driver')
        .choices(['auto', 'draft', 'liveavatar'])
        .default('auto'),
    )
    .option('--data <folder>', 'data folder that the farm would use')
    .option('--port <number>', 'port that the farm would use', new URL(DEFAULT_URL).port)
    .option('--weights <folder>', 'folder of the weights')
    .addHelpText(
      'after',
      examples([
        ['farm doctor', 'before the first `farm up`'],
        ['farm doctor --engine liveavatar --weights /srv/weights', 'before a GPU node joins'],
        ['farm doctor --json | jq \'.findings[] | select(.verdict == "problem")\'', 'for a script'],
      ]),
    )
    .action((options: DoctorOptions) => doctor(options, context));

async function doctor(options: DoctorOptions, { environment, output }: CommandContext): Promise<void> {
  const probe = await probeMachine({
    environment,
    dataDirectory: options.data ?? defaultDataDirectory(environment),
    port: parsePort(options.port),
    weightsFolder: options.weights,
  });
  const findings = judgeMachine(probe, options);
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length;
  if (options.json) output.json({ findings });
  else for (const finding of findings) printFinding(finding, output);
  if (problems === 0) {
    if (!options.json) output.line('\nThis machine has everything that is needed.');
    return;
  }
  throw new MachineUnfitError(problems);
}

const marks = { fine: ['ok  ', 'green'], note: ['note', 'yellow'], problem: ['FAIL', 'red'] } as const;

function printFinding({ area, verdict, found, remedy }: Finding, { line, paint }: Output): void {
  const [mark, colour] = marks[verdict];
  line(`${paint(colour, mark)}  ${area.padEnd(8)}  ${found}`);
  if (remedy !== undefined) line(`${' '.repeat(16)}${paint('bold', '→')} ${remedy}`);
}
