import type { ToolchainStep } from './context.js';

/** The few things of a terminal that the reporter uses. */
export interface ReportStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const PROGRESS_INTERVAL_MS = 30_000;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Prints one line a step with the seconds it took. A terminal shows the running step and its progress in that line;
 * elsewhere a long step says every 30 s how far it is.
 */
export function terminalReporter(stream: ReportStream = process.stderr, now: () => number = Date.now) {
  let lastProgressAt = 0;
  const show = (text: string) => {
    if (!stream.isTTY) return;
    // One column stays free, or the line would wrap and could not be cleared.
    stream.write(`${CLEAR_LINE}${text.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  return (step: ToolchainStep): void => {
    switch (step.kind) {
      case 'started':
        lastProgressAt = now();
        show(`${step.label} …`);
        break;
      case 'progress':
        show(`${step.label} … ${step.detail}`);
        if (!stream.isTTY && now() - lastProgressAt > PROGRESS_INTERVAL_MS) {
          lastProgressAt = now();
          stream.write(`${step.label} … ${step.detail}\n`);
        }
        break;
      default: {
        const ending = step.kind === 'finished' ? '' : 'failed, ';
        stream.write(`${stream.isTTY ? CLEAR_LINE : ''}${step.label} (${ending}${step.seconds.toFixed(1)} s)\n`);
      }
    }
  };
}
