import { EngineName, Precision, Preset } from '@farm/contracts';
import { Option } from 'commander';

/** The settings of a job, except its prompt. */
export function settingOptions(): Option[] {
  return [
    new Option('--size <w*h>', 'largest area in pixels, as in 704*384; the aspect ratio follows the portrait'),
    new Option('--clips <count>', 'at most this many clips of 1.92 s'),
    new Option('--truncate', 'cut speech that is longer than --clips instead of refusing it'),
    new Option('--frames-per-clip <count>', 'frames per clip, rounded up to a multiple of 12 (default: 48)'),
    new Option('--steps <count>', 'denoising steps, 3 to 6 (default: 4)'),
    new Option('--solver <name>', 'accepted for scripts that set it: every render uses Euler steps').choices(['euler']),
    new Option('--guidance-scale <number>', 'only 0: the distilled model uses no guidance'),
    new Option('--seed <number>', 'same seed, same video (default: random)'),
    new Option('--engine <name>', 'which engine renders').choices(EngineName.options),
    new Option('--precision <name>', 'arithmetic of the model').choices(Precision.options),
    new Option('--continuity <kind>', 'cut long speech at silences, or render one take').choices([
      'segmented',
      'continuous',
    ]),
    new Option('--segment-clips <count>', 'longest segment, in clips (default: 16)'),
    new Option('--preset <name>', 'a named set of defaults').choices(Preset.options),
    new Option('--priority <number>', '1 is first, 100 is last (default: 50)'),
    new Option(
      '--due-at <time>',
      'when the video is needed, as in 2030-01-31T08:00:00Z; orders jobs of the same priority',
    ),
    new Option('--metadata <name=value...>', 'your own strings, returned with the job'),
  ].map((option) => option.helpGroup('Settings of the video:'));
}
