import { EngineName, Precision, Preset } from '@farm/contracts';
import { Option } from 'commander';

/** The settings of a job, but for its prompt. */
export function settingOptions(): Option[] {
  return [
    new Option('--size <w*h>', 'area in pixels, as in 704*384; the shape follows the portrait'),
    new Option('--clips <count>', 'at most this many clips of 1.92 s'),
    new Option('--truncate', 'cut speech that is longer than --clips instead of refusing it'),
    new Option('--frames-per-clip <count>', 'frames a clip, rounded up to a multiple of 12 (48)'),
    new Option('--steps <count>', 'denoising steps, 3 to 6 (4)'),
    new Option('--solver <name>', 'solver').choices(['euler']),
    new Option('--guidance-scale <number>', 'only 0: the distilled model uses no guidance'),
    new Option('--seed <number>', 'same seed, same video (drawn)'),
    new Option('--engine <name>', 'which engine renders').choices(EngineName.options),
    new Option('--precision <name>', 'arithmetic of the model').choices(Precision.options),
    new Option('--continuity <kind>', 'cut at silences, or one take').choices(['segmented', 'continuous']),
    new Option('--segment-clips <count>', 'longest segment, in clips (16)'),
    new Option('--preset <name>', 'a named set of defaults').choices(Preset.options),
    new Option('--priority <number>', '1 is first, 100 is last (50)'),
    new Option('--due-at <time>', 'when it is needed, as in 2030-01-31T08:00:00Z'),
    new Option('--metadata <name=value...>', 'strings of yours, given back with the job'),
  ].map((option) => option.helpGroup('Settings of the video:'));
}
