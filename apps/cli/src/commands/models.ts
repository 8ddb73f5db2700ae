import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { obtainPythonPackages, terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command } from 'commander';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.js';
import { enginePath } from '../farm-up/project-files.js';
import { detached } from '../watch/watch-and-save.js';
import { type CommandContext, examples, type JsonOption } from './command.js';
import { CommandGroup } from './command-group.js';

/** What bringing weights takes; PyTorch has no part in it. */
const requirements = ['huggingface_hub>=0.25', 'tqdm>=4.60'];

interface ModelsOptions extends JsonOption {
  readonly folder?: string;
  readonly sizesOnly?: true;
}

export const modelsCommand = (context: CommandContext) => {
  const part = (name: string, description: string, lines: Parameters<typeof examples>[0]) =>
    new Command(name)
      .description(description)
      .option('--json', 'print JSON for programs')
      .option('--folder <folder>', 'weights folder (default: .avatar-farm/weights in your home)')
      .addHelpText('after', examples(lines))
      .action((options: ModelsOptions) => runModels(name, options, context));
  const pull = part('pull', 'Fetch what is missing, going on where the last pull ended, and verify everything.', [
    ['farm models pull --folder /srv/weights', 'bring the published weights, or the rest of them'],
    ['farm models pull --json | jq .file.path', 'a line of JSON for every file'],
  ]);
  const check = part('check', 'Compare every file with what was pulled, without the network.', [
    ['farm models check --folder /srv/weights', 'prove that every file is as published'],
    ['farm models check --json | jq \'.files[] | select(.state != "right")\'', 'what is not'],
  ]).option('--sizes-only', 'compare sizes, read no contents');
  const list = part('list', 'Show which files belong to the model and which are there.', [
    ['farm models list --folder /srv/weights', 'what is there'],
    ['farm models list --json | jq -r \'.files[] | select(.state == "missing").path\'', 'what is not'],
  ]);
  return new CommandGroup('models')
    .description('Bring, check and list the weights of the liveavatar engine (about 50 GB).')
    .addHelpText(
      'after',
      examples([
        ['farm models pull --folder /srv/weights', 'bring the weights'],
        ['farm models check --folder /srv/weights', 'prove them'],
      ]),
    )
    .addCommand(pull)
    .addCommand(check)
    .addCommand(list);
};

/** The work is Python's; its output goes straight to where ours goes. */
async function runModels(name: string, options: ModelsOptions, { environment, signal }: CommandContext): Promise<void> {
  const toolchain = toolchainContext({ environment, report: terminalReporter(), signal });
  const label = 'the Python packages that fetch weights';
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
    const kept = 'Stopped; what was fetched is kept. The same command goes on from there.';
    throw detached(name === 'pull' ? kept : 'Stopped.');
  }
  if (code === 0) return;
  throw modelsFailed(name, code === null ? `signal ${endedBy}` : code);
}

const toldByPython: readonly ExitCode[] = [exitCodes.unreachable, exitCodes.machineUnfit];

function modelsFailed(name: string, ending: number | string): CommandError {
  const told = toldByPython.find((exitCode) => exitCode === ending);
  const how = typeof ending === 'number' ? `exit code ${ending}` : ending;
  return new CommandError({
    code: 'models-failed',
    exitCode: told ?? exitCodes.unexpected,
    message: `farm models ${name} ended with ${how}; the reason is above.`,
    ...(told !== undefined && { alreadyTold: true }),
  });
}
