import { FarmError } from '@farm/contracts';

/** Every failure of this package: about a portrait, a speech, a video, or the programs that read and write them. */
export abstract class MediaError extends FarmError {}
