import type { EngineEvent } from '@farm/contracts';
import { FfmpegFailedError, FfmpegMissingError, MediaEmptyError, PieceIncompleteError } from '@farm/media';
import { DiskFullError, InvalidObjectKeyError } from '@farm/storage';
import { describe, expect, it } from 'vitest';
import {
  EngineCrashedError,
  EngineFailedError,
  EngineHungError,
  EngineMissingError,
  EngineProtocolVersionError,
  FramesDifferError,
  PiecesMissingError,
  UnknownEngineLineError,
} from './engine/errors.js';
import { ObjectMissingError, SpeechTooLongForClipsError, WorkerBrokenError } from './errors.js';
import { failedOutcome, failureClassOf } from './failure-class.js';

type Report = Extract<EngineEvent, { type: 'failed' }>;

const reported = (code: string, retriable: Report['retriable'], renderId: string | null = 'r1') =>
  new EngineFailedError({ type: 'failed', renderId, code, message: 'No.', retriable, details: {} });
const errno = (code: string) => Object.assign(new Error(`${code}: it failed`), { code });
const ffmpegEnded = { command: 'ffmpeg', exitCode: 1, exitSignal: null, stderr: '' };

describe('failureClassOf', () => {
  it.each([
    ['what an engine never renders', reported('bad-portrait', 'never'), 'input'],
    [
      'speech of the wrong length',
      new SpeechTooLongForClipsError({ sampleCount: 2, clips: 1, maximumSamples: 1 }),
      'input',
    ],
    ['a file that is empty', new MediaEmptyError('portrait'), 'input'],
    ['frames that are not finite', reported('frames-not-finite', 'another-worker'), 'engine'],
    ['a render that the engine gives up', reported('no-idea', 'this-worker'), 'engine'],
    ['too little memory', reported('out-of-memory', 'another-worker'), 'machine'],
    ['a device that is gone', reported('device-lost', 'another-worker'), 'machine'],
    ['a broken context', reported('cuda-context-corrupt', 'this-worker'), 'machine'],
    ['an exception in the engine', reported('engine-crashed', 'another-worker'), 'machine'],
    ['an encoder that died under the engine', reported('encoder-gone', 'this-worker'), 'machine'],
    ['a failure of no render', reported('anything', 'never', null), 'machine'],
    ['a crash', new EngineCrashedError({ how: 'exit code 0', lastLine: '' }), 'machine'],
    ['no engine', new EngineMissingError(errno('ENOENT')), 'machine'],
    ['a hang', new EngineHungError({ silentMs: 1 }), 'machine'],
    ['a line of no protocol', new UnknownEngineLineError('?', undefined), 'machine'],
    ['another protocol', new EngineProtocolVersionError(1), 'machine'],
    ['frames that differ', new FramesDifferError(0), 'machine'],
    ['pieces that are missing', new PiecesMissingError({ missing: 1, expected: 1 }), 'machine'],
    ['too few frames', new PieceIncompleteError({ frameCount: 2, seen: 1, stderr: '' }), 'machine'],
    ['an encoder that died', new FfmpegFailedError(ffmpegEnded), 'machine'],
    ['no ffmpeg', new FfmpegMissingError('ffmpeg', ''), 'machine'],
    ['a full scratch disk', errno('ENOSPC'), 'machine'],
    ['a scratch folder that cannot be used', new WorkerBrokenError(errno('EROFS')), 'machine'],
    ['a bug', new TypeError('undefined is not a function'), 'machine'],
    ['a full storage', new DiskFullError({ directory: '/farm', errno: 'ENOSPC', cause: undefined }), 'storage'],
    ['a refused key', new InvalidObjectKeyError('..', 'it has dots'), 'storage'],
    ['an object that is gone', new ObjectMissingError('jobs/x'), 'storage'],
  ] as const)('of %s', (_name, error, failureClass) => {
    expect(failureClassOf(error)).toBe(failureClass);
    expect(failedOutcome(error)).toMatchObject({ status: 'failed', failureClass });
  });
});

describe('failedOutcome', () => {
  const loading = Object.assign(new EngineCrashedError({ how: 'exit code 1', lastLine: '' }), { beforeReady: true });

  it.each([
    ['an engine that never got ready', loading, true],
    ['a program that is missing', new FfmpegMissingError('ffmpeg', ''), true],
    ['no folder for the attempt', new WorkerBrokenError(errno('EROFS')), true],
    ['a crash in a render', new EngineCrashedError({ how: 'SIGKILL', lastLine: '' }), false],
    ['a disk that the task filled', errno('ENOSPC'), false],
  ])('says of %s whether the task may be the reason', (_name, error, ofNoTask) => {
    expect(failedOutcome(error)).toMatchObject({ failureClass: 'machine', ofNoTask });
  });

  it('names a full scratch disk', () => {
    expect(failedOutcome(errno('ENOSPC')).error).toMatchObject({ code: 'scratch-full' });
  });
});
