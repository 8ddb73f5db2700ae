import { Command, Option } from 'commander';
import { DEFAULT_URL, defaultDataDirectory } from '../connection/farm-location.js';
import type { Finding } from '../doctor/finding.js';
import { type JudgeOptions, judgeMachine } from '../doctor/judge-machine.js';
import { probeMachine } from '../doctor/probe-machine.js';
import { CommandError, exitCodes } from '../exit-codes.js';
import type { Output } from '../output/output.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { portOf } from './up.js';

interface DoctorOptions extends JsonOption, JudgeOptions {
  readonly data?: string;
  readonly port: string;
  readonly weights?: string;
}

export const doctorCommand = (context: CommandContext) =>
  new Command('doctor')
    .description('Check what a farm needs of this machine, and say what does not fit and what to do.')
    .option('--json', 'print JSON for programs')
    .addOption(
      new Option('--engine <name>', 'what this machine is to run; auto: liveavatar where there is an NVIDIA driver')
        .choices(['auto', 'draft', 'liveavatar'])
        .default('auto'),
    )
    .option('--data <folder>', 'folder that the farm would use')
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
    port: portOf(options.port),
    weightsFolder: options.weights,
  });
  const findings = judgeMachine(probe, options);
  const problems = findings.filter(({ verdict }) => verdict === 'problem').length;
  if (options.json) output.json({ findings });
  else for (const finding of findings) printFinding(finding, output);
  if (problems === 0) {
    if (!options.json) output.line('\nEverything that is needed fits.');
    return;
  }
  const message = problems === 1 ? 'One thing does not fit; see above.' : `${problems} things do not fit; see above.`;
  throw new CommandError({ code: 'machine-unfit', exitCode: exitCodes.machineUnfit, message });
}

const marks = { fine: ['ok  ', 'green'], note: ['note', 'yellow'], problem: ['FAIL', 'red'] } as const;

function printFinding({ area, verdict, found, remedy }: Finding, { line, paint }: Output): void {
  const [mark, colour] = marks[verdict];
  line(`${paint(colour, mark)}  ${area.padEnd(8)}  ${found}`);
  if (remedy !== undefined) line(`${' '.repeat(16)}${paint('bold', '→')} ${remedy}`);
}
