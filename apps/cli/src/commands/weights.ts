import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { enginePath } from '@farm/local-farm';
import { obtainPythonPackages, terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command } from 'commander';
import { CommandError, InterruptedError } from '../errors.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { CommandGroup } from './command-group.js';

/** What downloading weights needs; PyTorch is not part of it. */
const requirements = ['huggingface_hub>=0.25', 'tqdm>=4.60'];

interface WeightsOptions extends JsonOption {
  readonly folder?: string;
  readonly sizesOnly?: true;
}

export const weightsCommand = (context: CommandContext) => {
  const part = (name: string, description: string, lines: Parameters<typeof examples>[0]) =>
    new Command(name)
      .description(description)
      .option('--json', 'print JSON for programs')
      .option('--folder <folder>', 'folder of the weights (default: .avatar-farm/weights in your home directory)')
      .addHelpText('after', examples(lines))
      .action((options: WeightsOptions) => runWeights(name, options, context));
  const pull = part('pull', 'Download what is missing, continuing where the last pull ended, and verify everything.', [
    ['farm weights pull --folder /srv/weights', 'download the published weights, or the rest of them'],
    ['farm weights pull --json | jq .file.path', 'one line of JSON per file'],
  ]);
  const check = part('check', 'Compare every file with what was pulled, without using the network.', [
    ['farm weights check --folder /srv/weights', 'verify that every file is as published'],
    ['farm weights check --json | jq \'.files[] | select(.state != "right")\'', 'the files that are not'],
  ]).option('--sizes-only', 'compare sizes, do not read contents');
  const list = part('list', 'Show which files belong to the model and which are there.', [
    ['farm weights list --folder /srv/weights', 'what is there'],
    ['farm weights list --json | jq -r \'.files[] | select(.state == "missing").path\'', 'what is missing'],
  ]);
  return new CommandGroup('weights')
    .description('Download, check and list the weights of the liveavatar engine (about 50 GB).')
    .addHelpText(
      'after',
      examples([
        ['farm weights pull --folder /srv/weights', 'download the weights'],
        ['farm weights check --folder /srv/weights', 'verify them'],
      ]),
    )
    .addCommand(pull)
    .addCommand(check)
    .addCommand(list);
};

/** The work is Python's; its output goes straight to where ours goes. */
async function runWeights(name: string, options: WeightsOptions, context: CommandContext): Promise<void> {
  const { environment, signal } = context;
  const toolchain = toolchainContext({ environment, report: terminalReporter(), signal });
  const label = 'the Python packages that download weights';
  const python = environment.FARM_PYTHON || (await obtainPythonPackages(toolchain, { label, requirements }));
  const words = [
    ...(options.folder === undefined ? [] : ['--folder', options.folder]),
    ...(options.sizesOnly ? ['--sizes-only'] : []),
    ...(options.json ? ['--json'] : []),
  ];
  signal.throwIfAborted();
  const child = spawn(python, ['-m', 'farm_engine.weights', name, ...words], {
    stdio: 'inherit',
    env: { ...environment, PYTHONPATH: enginePath },
  });
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  const [code, endedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener('abort', end);
  // Ctrl-C reaches Python too, which may be gone before it reaches us.
  if (signal.aborted || endedBy === 'SIGINT') {
    throw name === 'pull' ? InterruptedError.whilePulling() : InterruptedError.otherwise();
  }
  if (code !== 0) throw new WeightsFailedError(name, code ?? `signal ${endedBy}`);
}

/** Exit codes with which Python has explained itself on stderr. */
const explainedByPython: readonly ExitCode[] = [exitCodes.unreachable, exitCodes.machineUnfit];

class WeightsFailedError extends CommandError {
  constructor(name: string, ending: number | string) {
    const explained = explainedByPython.find((exitCode) => exitCode === ending);
    const how = typeof ending === 'number' ? `exit code ${ending}` : ending;
    super('weights-failed', `farm weights ${name} ended with ${how}; the reason is above.`, {
      exitCode: explained ?? exitCodes.unexpected,
      isExplained: explained !== undefined,
    });
  }
}
