import type { Plan } from '@farm/contracts';
import { InvalidOptionError } from '../errors.js';
import type { Output } from '../output/output.js';
import { settingOptions } from '../submit/setting-options.js';
import { type SpecOptions, specFromOptions } from '../submit/spec-from-options.js';
import { type ClientOptions, type CommandContext, clientCommand, examples, openClient } from './command.js';

interface PlanOptions extends ClientOptions, SpecOptions {
  readonly portrait: { width: number; height: number };
  readonly seconds: number;
}

export const planCommand = (context: CommandContext) => {
  const command = clientCommand('plan')
    .description(
      'Show what a job would become, before anything is sent: its size, the class of worker it needs, or what to change.',
    )
    .requiredOption('--portrait <w*h>', 'width and height of the portrait in pixels, as in 720*400', sides)
    .requiredOption('--seconds <number>', 'length of the speech in seconds', seconds)
    .option('-p, --prompt <text>', 'the person and the scene', 'A person speaks to the camera')
    .addHelpText(
      'after',
      examples([
        ['farm plan --portrait 720*400 --seconds 60 --size 704*384', 'does a minute at this size fit?'],
        ['farm plan --portrait 720*400 --seconds 60 --json | jq -r .vramClass', 'the class of worker it needs'],
      ]),
    )
    .action(async ({ portrait, seconds: speechSeconds, ...options }: PlanOptions) => {
      const spec = specFromOptions(options);
      const plan = await (await openClient(context, options)).planJob({ spec, portrait, speechSeconds });
      if (options.json) return context.output.json(plan);
      printPlan(plan, context.output);
    });
  for (const option of settingOptions()) command.addOption(option);
  return command;
};

function printPlan(plan: Plan, { line, paint }: Output): void {
  const { vramClass, predictedPeakGB, workers } = plan;
  const peak = predictedPeakGB === null ? '' : ` or larger, ${predictedPeakGB.toFixed(1)} GB at its peak`;
  const facts = {
    engine: plan.engine,
    size: `${plan.width}*${plan.height}`,
    length: `${plan.frameCount} frames, ${plan.clipCount} clips`,
    class: `${vramClass}${peak}`,
    workers:
      workers === 0 ? 'none of this class is connected; the job would wait' : `${workers} of this class connected`,
  };
  for (const [name, fact] of Object.entries(facts)) line(`${paint('dim', name.padEnd(8))}  ${fact}`);
  for (const { message } of plan.warnings) line(`${paint('yellow', 'warning'.padEnd(8))}  ${message}`);
}

function sides(text: string): { width: number; height: number } {
  const [, width, height] = /^([1-9]\d{0,4})[*x]([1-9]\d{0,4})$/.exec(text) ?? [];
  if (width && height) return { width: Number(width), height: Number(height) };
  throw new InvalidOptionError('--portrait', {
    value: text,
    expected: 'its width and height in pixels, as in 720*400',
  });
}

function seconds(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidOptionError('--seconds', { value: text, expected: 'a length in seconds, as in 61.5' });
}
