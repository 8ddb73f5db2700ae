import type { LocalFarm } from '@farm/local-farm';
import pinoPretty from 'pino-pretty';
import type { Output } from '../output/output.js';

/** Reports what happens in the farm that `farm up` runs. */
export interface UpReporter {
  onUp(farm: LocalFarm): void;
  /** A line of the log of one of the farm's processes. */
  onLog(part: string, line: string): void;
  /** A process ended by itself and is restarted. */
  onTrouble(message: string): void;
  onStopping(): void;
  onStopped(): void;
}

export function createUpReporter(output: Output, { json }: { json: boolean }): UpReporter {
  return json ? jsonLines(output) : prose(output);
}

function prose({ stdout, line, note }: Output): UpReporter {
  const pretty = pinoPretty.prettyFactory({
    colorize: stdout.isTTY === true,
    ignore: 'pid,hostname,workerId',
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  return {
    onUp({ url, directory, adminKey, adminKeyIsNew }) {
      line(`The farm is up: ${url}   (docs: ${url}/docs, data: ${directory.path})`);
      if (adminKeyIsNew) line(`Admin key, shown only this once: ${adminKey}`);
      line(`The admin key is in ${directory.adminKeyFile}. Ctrl-C stops everything.`);
    },
    onLog: (part, text) => void stdout.write(`${part.padEnd(9)} ${pretty(text)}`),
    onTrouble: note,
    onStopping: () => note('Stopping. Committed frames are kept; unfinished jobs continue at the next `farm up`.'),
    onStopped: () => undefined,
  };
}

function jsonLines({ json }: Output): UpReporter {
  const line = (value: unknown) => json(value, { compact: true });
  return {
    onUp(farm) {
      const { url, adminKey, adminKeyIsNew, directory } = farm;
      const { path, adminKeyFile } = directory;
      const key = { adminKeyFile, ...(adminKeyIsNew && { adminKey }) };
      line({ event: 'up', url, data: path, ...key, processes: farm.processes() });
    },
    onLog: (part, text) => line({ event: 'log', part, record: parsed(text) }),
    onTrouble: (message) => line({ event: 'trouble', message }),
    onStopping: () => line({ event: 'stopping' }),
    onStopped: () => line({ event: 'stopped' }),
  };
}

/** A process that crashes may print plain text. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return { msg: line };
  }
}
