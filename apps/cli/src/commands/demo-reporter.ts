import { hasEnded, type JobView } from '@farm/contracts';
import type { Output } from '../output/output.js';
import { createProgressView } from '../progress/create-progress-view.js';

/** Reports the progress of a demo. */
export interface DemoReporter {
  onFarm(farm: { readonly url: string; readonly seconds: number }): void;
  /** @param to.engine as the person named it: the farm itself knows no `tiny` */
  onSubmitted(job: JobView, to: { readonly url: string; readonly engine: string }): void;
  onUpdate(job: JobView): void;
  /** The job has ended, one way or the other: nothing is repainted any more. */
  onWatched(): void;
  onSaved(path: string): void;
  onKept(directory: string): void;
  onTrouble(message: string): void;
}

export interface DemoReporterOptions {
  readonly output: Output;
  readonly environment: NodeJS.ProcessEnv;
  readonly json: boolean;
}

export function createDemoReporter(options: DemoReporterOptions): DemoReporter {
  return options.json ? jsonLines(options.output) : prose(options);
}

function prose({ output, environment }: DemoReporterOptions): DemoReporter {
  const view = createProgressView({ stream: output.stdout, environment });
  const shown = new Set<string>();
  const warn = (job: JobView, say: (text: string) => void) => {
    for (const { code, message } of job.warnings) if (!shown.has(code) && shown.add(code)) say(`note:  ${message}`);
  };
  return {
    onFarm: ({ url, seconds }) => output.line(`farm:  ${url} (${seconds.toFixed(1)} s)`),
    onSubmitted(job, { url, engine }) {
      const { width, height } = job.spec;
      output.line(`job:   ${job.id}, ${width} x ${height}, engine ${engine}, POST ${url}/v1/jobs`);
      warn(job, output.note);
    },
    onUpdate(job) {
      view.update(job.id, job);
      warn(job, view.note);
    },
    onWatched: view.close,
    onSaved: (path) => output.line(`video: ${path}`),
    onKept: (directory) => output.line(`data:  ${directory}`),
    onTrouble: output.note,
  };
}

function jsonLines({ json }: Output): DemoReporter {
  const line = (value: unknown) => json(value, { compact: true });
  return {
    onFarm: ({ url, seconds }) => line({ event: 'up', url, seconds }),
    onSubmitted: (job) => line({ event: 'submitted', job }),
    onUpdate: (job) => line({ event: hasEnded(job.status) ? 'ended' : 'progress', job }),
    onWatched: () => undefined,
    onSaved: (path) => line({ event: 'saved', path }),
    onKept: (directory) => line({ event: 'kept', data: directory }),
    onTrouble: (message) => line({ event: 'trouble', message }),
  };
}
