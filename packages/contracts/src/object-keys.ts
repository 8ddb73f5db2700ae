/** Where a job's objects are in storage. Names that an attempt writes carry its id: two attempts never share a key. */
export const JOBS_PREFIX = 'jobs/';
/** Files sent before their job; kept for a day. */
export const UPLOADS_PREFIX = 'uploads/';
export const jobPrefix = (jobId: string): string => `${JOBS_PREFIX}${jobId}/`;

interface PieceOfTask {
  taskId: string;
  attemptId: string;
  /** Counted from the start of the segment. */
  firstFrame: number;
}

const pieceName = ({ taskId, attemptId, firstFrame }: PieceOfTask) =>
  `${taskId}/${String(firstFrame).padStart(8, '0')}-${attemptId}`;

export const objectKeys = {
  upload: (owner: string, uploadId: string) => `${UPLOADS_PREFIX}${owner}/${uploadId}`,
  input: (jobId: string, part: 'portrait' | 'speech', extension: string) =>
    `${jobPrefix(jobId)}input/${part}${extension && `.${extension}`}`,
  /** What was submitted, `JobFile`: from it and the inputs a job can be submitted again. */
  jobFile: (jobId: string) => `${jobPrefix(jobId)}input/job.json`,
  /** How a job ended that has no video, `EndedFile`. */
  endedFile: (jobId: string) => `${jobPrefix(jobId)}input/ended.json`,
  /** Somebody deleted the job; the last of its objects to go. */
  deletedFile: (jobId: string) => `${jobPrefix(jobId)}deleted.json`,
  prepared: (jobId: string, attemptId: string, name: string) => `${jobPrefix(jobId)}prepared/${attemptId}/${name}`,
  piece: (jobId: string, piece: PieceOfTask) => `${jobPrefix(jobId)}pieces/${pieceName(piece)}.mp4`,
  /** Border state at the end of a piece, from which any worker can continue. */
  state: (jobId: string, piece: PieceOfTask) => `${jobPrefix(jobId)}states/${pieceName(piece)}.safetensors`,
  output: (jobId: string, attemptId: string, name: 'video.mp4' | 'manifest.json' | 'poster.jpg') =>
    `${jobPrefix(jobId)}output/${attemptId}/${name}`,
  /** Lines of JSON, one file per attempt, kept as long as the job. */
  log: (jobId: string, attemptId: string) => `${jobPrefix(jobId)}log/${attemptId}.jsonl`,
  logPrefix: (jobId: string) => `${jobPrefix(jobId)}log/`,
} as const;

/** The job that an object belongs to; undefined outside `jobs/`. */
export const jobOfKey = (key: string): string | undefined => /^jobs\/([^/]+)\//.exec(key)?.[1];

/** The attempt that wrote an object; undefined for inputs. */
export const attemptOfKey = (key: string): string | undefined =>
  /^jobs\/[^/]+\/(?:(?:prepared|output)\/([^/]+)\/|(?:pieces|states)\/[^/]+\/\d+-([^/.]+)\.)/
    .exec(key)
    ?.slice(1)
    .find((id) => id !== undefined);
