import { fileSha256 } from '@farm/client';
import { UnreadableFileError } from '../errors.js';
import { planSubmissions } from '../submit/plan-submissions.js';
import { settingOptions } from '../submit/setting-options.js';
import { type SpecOptions, specFromOptions } from '../submit/spec-from-options.js';
import { type SubmittedFile, submitAll } from '../submit/submit-all.js';
import { interruptedWith, reportFailures } from '../submit/submit-endings.js';
import { createSubmitReporter } from '../submit/submit-reporter.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';

interface SubmitOptions extends ClientOptions, SpecOptions {
  readonly portrait: string;
  readonly speech: readonly string[];
  readonly out?: string;
  readonly watch?: true;
  readonly again?: true;
}

export const submitCommand = (context: CommandContext) => {
  const command = clientCommand('submit')
    .description(
      'Submit a portrait and speech: one job per recording. Submitting the same again finds the existing job. ' +
        "Live Avatar's own flags (--num_clip, --sample_steps, ...) are understood, too.",
    )
    .requiredOption('-i, --portrait <file>', 'the portrait')
    .requiredOption('-a, --speech <files...>', 'the speech: files, folders, or patterns in quotes')
    .option('-o, --out <file>', 'save the video here; {name} is the name of the recording, {id} the id of the job')
    .option('-w, --watch', 'show progress until everything is done (--out implies it)')
    .option('--again', 'render again what already exists')
    .option('-p, --prompt <text>', 'the person and the scene, in a sentence or two')
    .addHelpText(
      'after',
      examples([
        ['farm submit -i portrait.jpg -a talk.wav -p "A woman speaks to the camera" --out talk.mp4', 'one video'],
        [
          "farm submit -i p.jpg -a 'lessons/*.wav' -p \"A teacher explains\" --out 'outputs/{name}.mp4' --watch",
          'one video per lesson; the same command again does only what is missing',
        ],
        ['farm submit -i p.jpg -a talk.wav -p "A man tells a story" --preset preview', 'a quick look first'],
        ['id=$(farm submit -i p.jpg -a talk.wav -p "A man tells a story")', 'the id of the job, for a script'],
      ]),
    )
    .action((options: SubmitOptions) => submit(options, context));
  for (const option of settingOptions()) command.addOption(option);
  return command;
};

async function submit(options: SubmitOptions, context: CommandContext): Promise<void> {
  const { output, signal, environment } = context;
  const { portrait: portraitPath, json = false, again = false } = options;
  const spec = specFromOptions(options);
  const portraitSha256 = await fileSha256(portraitPath).catch((cause: Error) => {
    throw new UnreadableFileError('--portrait', portraitPath, cause);
  });
  const submissions = await planSubmissions({ speechPatterns: options.speech, out: options.out });
  const watch = options.watch === true || options.out !== undefined;
  const reporter = createSubmitReporter({ output, environment, fileCount: submissions.length, json, watch });
  const client = await openClient(context, options, reporter.note);
  const shared = { spec, portraitPath, portraitSha256, again };
  const files: SubmittedFile[] = [];
  try {
    await submitAll({ client, submissions, shared, watch, signal, reporter }, files);
  } catch (error) {
    if (signal.aborted) throw interruptedWith(files);
    const submitted = files.filter(({ job }) => job !== undefined).length;
    if (submitted > 0)
      reporter.note(
        `${submitted} of ${files.length} recordings were submitted; the same command continues from there.`,
      );
    throw error;
  } finally {
    reporter.close();
  }
  reportFailures(files, { output, json });
}
