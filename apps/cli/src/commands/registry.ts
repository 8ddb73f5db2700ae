import { cancelCommand } from './cancel.js';
import type { FarmCommand } from './command.js';
import { completionCommand } from './completion.js';
import { deleteCommand } from './delete.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { keysCommand } from './keys.js';
import { limitsCommand } from './limits.js';
import { listCommand } from './list.js';
import { planCommand } from './plan.js';
import { rebuildCommand } from './rebuild.js';
import { retryCommand } from './retry.js';
import { showCommand } from './show.js';
import { storageCommand } from './storage.js';
import { submitCommand } from './submit.js';
import { upCommand } from './up.js';
import { watchCommand } from './watch.js';
import { weightsCommand } from './weights.js';
import { workerCommand } from './worker.js';
import { workersCommand } from './workers.js';

/** Every command of `farm`, in the order of its help. */
export const commands: readonly FarmCommand[] = [
  upCommand,
  workerCommand,
  planCommand,
  submitCommand,
  watchCommand,
  listCommand,
  showCommand,
  cancelCommand,
  retryCommand,
  deleteCommand,
  workersCommand,
  keysCommand,
  limitsCommand,
  storageCommand,
  rebuildCommand,
  weightsCommand,
  doctorCommand,
  demoCommand,
  completionCommand,
];
