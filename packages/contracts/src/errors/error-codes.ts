/** What a code means to a client: the HTTP status of its problem document, and that document's title. */
export interface ErrorMeaning {
  readonly status: number;
  readonly title: string;
}

/**
 * Every failure that the farm names. A code is stable: clients, records and manifests keep it. Codes of the engines
 * come from Python (docs/engine-protocol.md) and are not listed here.
 */
export const errorCodes = {
  // The request
  'bad-content-length': { status: 400, title: 'Content-Length is wrong' },
  'bad-idempotency-key': { status: 400, title: 'The Idempotency-Key is malformed' },
  'bad-json': { status: 400, title: 'The JSON is malformed' },
  'bad-last-event-id': { status: 400, title: 'The Last-Event-ID is malformed' },
  'bad-multipart': { status: 400, title: 'The multipart body is malformed' },
  'bad-part-name': { status: 400, title: 'The name of a part is not allowed' },
  'bad-request': { status: 400, title: 'The request is malformed' },
  'bad-url': { status: 400, title: 'The URL is malformed' },
  'invalid-request': { status: 400, title: 'The request is invalid' },
  'malformed-http': { status: 400, title: 'The HTTP request is malformed' },
  'upload-aborted': { status: 400, title: 'The upload was aborted' },
  'key-missing': { status: 401, title: 'A key is required' },
  'key-unknown': { status: 401, title: 'The key is unknown' },
  'bad-signed-url': { status: 403, title: 'The signed URL is not valid' },
  'role-too-low': { status: 403, title: 'The key is not allowed to do this' },
  'job-not-found': { status: 404, title: 'Job not found' },
  'key-not-found': { status: 404, title: 'Key not found' },
  'no-poster': { status: 404, title: 'The video has no poster' },
  'nothing-swept-yet': { status: 404, title: 'The storage was not swept yet' },
  'object-gone': { status: 404, title: 'The file is gone' },
  'route-not-found': { status: 404, title: 'Route not found' },
  'worker-not-found': { status: 404, title: 'Worker not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'headers-stalled': { status: 408, title: 'The headers stalled' },
  'submit-abandoned': { status: 408, title: 'The submit took too long' },
  'upload-stalled': { status: 408, title: 'The upload stalled' },
  'job-ended': { status: 409, title: 'The job has ended' },
  'job-not-ended': { status: 409, title: 'The job has not ended' },
  'inputs-gone': { status: 409, title: 'The inputs are no longer in storage' },
  'input-swept': { status: 409, title: 'A file was removed before its job was accepted' },
  'job-not-retriable': { status: 409, title: 'The job cannot be retried' },
  'last-admin-key': { status: 409, title: 'This is the last admin key' },
  'nothing-to-confirm': { status: 409, title: 'There is nothing to confirm' },
  'no-video': { status: 409, title: 'The job has no video' },
  'video-not-ready': { status: 409, title: 'The video is not ready' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'file-too-large': { status: 413, title: 'The file is too large' },
  'too-many-parts': { status: 413, title: 'The request has too many parts' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'invalid-range': { status: 416, title: 'The range cannot be satisfied' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'quota-exceeded': { status: 429, title: 'A quota is reached' },
  'rate-limited': { status: 429, title: 'Too many requests' },

  // What was submitted
  'duplicate-part': { status: 422, title: 'A part was sent twice' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another job' },
  'missing-part': { status: 422, title: 'A part is missing' },
  'not-a-file': { status: 422, title: 'A part is not a file' },
  'not-supported-yet': { status: 422, title: 'Not supported yet' },
  'speech-longer-than-clips': { status: 422, title: 'The speech is longer than the clips' },
  'too-large-for-every-class': { status: 422, title: 'No VRAM class can hold the render' },
  'unknown-field': { status: 422, title: 'The spec has an unknown field' },
  'unknown-part': { status: 422, title: 'A part is unknown' },
  'upload-not-found': { status: 422, title: 'Upload not found' },

  // The spec's fields, one code each
  'invalid-spec': { status: 422, title: 'The spec is invalid' },
  'invalid-prompt': { status: 422, title: 'The prompt is invalid' },
  'invalid-size': { status: 422, title: 'The size is invalid' },
  'invalid-clips': { status: 422, title: 'The number of clips is invalid' },
  'invalid-truncate': { status: 422, title: 'truncate is invalid' },
  'invalid-frames-per-clip': { status: 422, title: 'framesPerClip is invalid' },
  'invalid-steps': { status: 422, title: 'The number of steps is invalid' },
  'invalid-solver': { status: 422, title: 'The solver is invalid' },
  'invalid-guidance-scale': { status: 422, title: 'guidanceScale is invalid' },
  'invalid-seed': { status: 422, title: 'The seed is invalid' },
  'invalid-engine': { status: 422, title: 'The engine is invalid' },
  'invalid-precision': { status: 422, title: 'The precision is invalid' },
  'invalid-continuity': { status: 422, title: 'continuity is invalid' },
  'invalid-segment-clips': { status: 422, title: 'segmentClips is invalid' },
  'invalid-preset': { status: 422, title: 'The preset is invalid' },
  'invalid-priority': { status: 422, title: 'The priority is invalid' },
  'invalid-due-at': { status: 422, title: 'dueAt is invalid' },
  'invalid-metadata': { status: 422, title: 'The metadata is invalid' },

  // Portrait and speech
  'media-empty': { status: 422, title: 'The file is empty' },
  'media-too-large': { status: 422, title: 'The file is too large' },
  'portrait-too-narrow': { status: 422, title: 'The portrait is too narrow' },
  'portrait-too-small': { status: 422, title: 'The portrait is too small' },
  'portrait-incomplete': { status: 422, title: 'The portrait is cut off' },
  'portrait-unreadable': { status: 422, title: 'The portrait cannot be read' },
  'speech-too-long': { status: 422, title: 'The speech is too long' },
  'speech-too-short': { status: 422, title: 'The speech is too short' },
  'speech-incomplete': { status: 422, title: 'The speech is cut off' },
  'speech-unreadable': { status: 422, title: 'The speech cannot be read' },

  // The farm
  internal: { status: 500, title: 'Something failed in the farm' },
  'farm-full': { status: 503, title: 'The farm is full' },
  'not-ready': { status: 503, title: 'The farm is not ready' },
  'other-storage-root': { status: 503, title: 'The storage belongs to another farm' },
  'records-lost': { status: 503, title: 'The records of the farm are lost' },
  'redis-unavailable': { status: 503, title: 'Redis is unavailable' },
  'storage-unavailable': { status: 503, title: 'The storage is unavailable' },
  'storage-full': { status: 507, title: 'The storage is full' },

  // Media programs
  'ffmpeg-failed': { status: 500, title: 'ffmpeg failed' },
  'ffmpeg-missing': { status: 500, title: 'ffmpeg is missing' },
  'ffmpeg-timeout': { status: 500, title: 'ffmpeg took too long' },
  'piece-incomplete': { status: 500, title: 'A piece has too few frames' },
  'piece-overlong': { status: 500, title: 'A piece has too many frames' },
  'video-mismatch': { status: 500, title: 'The video is not the one asked for' },
  'wav-unsupported': { status: 500, title: 'The WAV file is not supported' },

  // Object storage
  'bucket-missing': { status: 503, title: 'The bucket does not exist' },
  'invalid-key': { status: 400, title: 'The object key is invalid' },
  'invalid-presign': { status: 400, title: 'The URL cannot be signed' },
  'object-too-large': { status: 413, title: 'The object is too large' },
  'size-mismatch': { status: 400, title: 'The object does not have the announced size' },
  'storage-access-denied': { status: 503, title: 'The storage denies access' },
  'storage-misconfigured': { status: 500, title: 'The storage is misconfigured' },

  // Processes and records
  'bad-redis-url': { status: 500, title: 'REDIS_URL is malformed' },
  configuration: { status: 500, title: 'The configuration is wrong' },
  'object-missing': { status: 500, title: 'An object is missing' },
  'object-corrupt': { status: 500, title: 'An object in storage is corrupt' },
  'record-missing': { status: 500, title: 'A record is missing' },
  'record-schema': { status: 500, title: 'A record has an unknown schema' },
  'scratch-full': { status: 500, title: 'The scratch disk of a worker is full' },
  'video-unproved': { status: 500, title: 'The video of a job cannot be proved whole' },
  'worker-broken': { status: 500, title: 'The worker could not run the task' },
  'worker-replaced': { status: 500, title: 'Another process took the id of the worker' },
  'worker-id-taken': { status: 500, title: 'Another process has the id of the worker' },
  'worker-lost': { status: 500, title: 'The worker was lost' },
  'speech-cut-differently': { status: 500, title: 'The speech was cut differently' },
} as const satisfies Record<string, ErrorMeaning>;

export type ErrorCode = keyof typeof errorCodes;

/** The meaning of a code that may come from elsewhere, such as an engine. */
export function meaningOf(code: string): ErrorMeaning {
  return (errorCodes as Record<string, ErrorMeaning>)[code] ?? errorCodes.internal;
}
