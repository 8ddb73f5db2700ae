import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { obtainPythonPackages, terminalReporter, toolchainContext } from '@farm/toolchain';
import { Command } from 'commander';
import { CommandError, exitCodes } from '../exit-codes.js';
import { type CommandContext, examples } from './command.js';

const enginePath = fileURLToPath(new URL('../../../../packages/engine', import.meta.url));
/** What bringing weights takes; PyTorch has no part in it. */
const requirements = ['huggingface_hub>=0.25', 'tqdm>=4.60'];

interface ModelsOptions {
  readonly folder?: string;
  readonly sizesOnly?: true;
}

export const modelsCommand = (context: CommandContext) => {
  const part = (name: string, description: string, example: string) =>
    new Command(name)
      .description(description)
      .option('--folder <folder>', 'weights folder (default: .avatar-farm/weights in your home)')
      .addHelpText('after', examples([[`farm models ${name} --folder /srv/weights`, example]]))
      .action((options: ModelsOptions) => runModels(name, options, context));
  const pull = part(
    'pull',
    'Fetch what is missing, going on where the last pull ended, and verify everything.',
    'bring the published weights, or the rest of them',
  );
  const check = part(
    'check',
    'Compare every file with what was pulled, without the network.',
    'prove that every file is as published',
  ).option('--sizes-only', 'compare sizes, read no contents');
  const list = part('list', 'Show which files belong to the model and which are there.', 'what is there');
  return new Command('models')
    .description('Bring, check and list the weights of the liveavatar engine (about 50 GB).')
    .addCommand(pull)
    .addCommand(check)
    .addCommand(list);
};

/** The work is Python's; its output and its Ctrl-C go straight to the terminal. */
async function runModels(name: string, options: ModelsOptions, { environment, signal }: CommandContext): Promise<void> {
  const toolchain = toolchainContext({ environment, report: terminalReporter(), signal });
  const label = 'the Python packages that fetch weights';
  const python = environment.FARM_PYTHON || (await obtainPythonPackages(toolchain, { label, requirements }));
  const words = [
    ...(options.folder === undefined ? [] : ['--folder', options.folder]),
    ...(options.sizesOnly ? ['--sizes-only'] : []),
  ];
  const child = spawn(python, ['-m', 'farm_engine.models', name, ...words], {
    stdio: 'inherit',
    env: { ...environment, PYTHONPATH: enginePath },
  });
  const [code, endedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  signal.throwIfAborted();
  if (code === 0) return;
  const ending = endedBy === null ? `exit code ${code}` : `signal ${endedBy}`;
  const message = `farm models ${name} ended with ${ending}; the reason is above.`;
  throw new CommandError({ code: 'models-failed', exitCode: exitCodes.unexpected, message });
}
