import { FarmError } from '@farm/contracts';

const statusOf = {
  'media-empty': 422,
  /** More bytes, pixels or seconds than allowed. */
  'media-too-large': 422,
  'portrait-unreadable': 422,
  'portrait-incomplete': 422,
  'speech-unreadable': 422,
  'speech-incomplete': 422,
  'speech-too-long': 422,
  'speech-too-short': 422,
  /** ffmpeg or ffprobe is not where the configuration says. */
  'ffmpeg-missing': 500,
  'ffmpeg-failed': 500,
  'ffmpeg-timeout': 500,
  /** The writer closed the FIFO before, or after, the number of frames that belong to the piece. */
  'piece-incomplete': 500,
  'piece-overlong': 500,
  /** What was joined is not the video that was asked for. */
  'video-mismatch': 500,
  'wav-unsupported': 500,
} as const;

export type MediaErrorCode = keyof typeof statusOf;

export class MediaError extends FarmError {
  declare readonly code: MediaErrorCode;

  constructor(
    code: MediaErrorCode,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(code, message, { ...options, status: statusOf[code] });
    this.name = 'MediaError';
  }
}
