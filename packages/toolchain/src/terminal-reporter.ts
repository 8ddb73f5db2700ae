import type { ToolchainStep } from './context.js';

/** What the reporter uses of a terminal. */
export interface ReportStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const PROGRESS_INTERVAL_MS = 30_000;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Prints one line per step with the seconds it took. A terminal shows the running step and its progress in that line;
 * elsewhere a long step reports its progress every 30 s.
 */
export function terminalReporter(stream: ReportStream = process.stderr, now: () => number = Date.now) {
  let lastProgressAt = 0;
  const show = (text: string) => {
    if (!stream.isTTY) return;
    // One column stays free: otherwise the line would wrap and could not be cleared.
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
