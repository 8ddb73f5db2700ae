import type { FailureClass } from '@farm/contracts';
import { describe, expect, it } from 'vitest';
import { createApiKey } from '../api-keys/create-api-key.js';
import { createFirstAdminKey } from '../api-keys/create-first-admin-key.js';
import { findApiKey } from '../api-keys/find-api-key.js';
import { listApiKeys } from '../api-keys/list-api-keys.js';
import { revokeApiKey } from '../api-keys/revoke-api-key.js';
import { rotateApiKey } from '../api-keys/rotate-api-key.js';
import { addWarning } from '../jobs/add-warning.js';
import { advance } from '../jobs/advance.js';
import { cancelJob } from '../jobs/cancel-job.js';
import { createJob } from '../jobs/create-job.js';
import { deleteJob } from '../jobs/delete-job.js';
import { getJob } from '../jobs/get-job.js';
import { reopenAssembly } from '../jobs/reopen-assembly.js';
import { retryJob } from '../jobs/retry-job.js';
import { shrinkEndedJobs } from '../jobs/shrink-ended-jobs.js';
import type { RecordsContext } from '../records-context.js';
import { KEY_PREFIX } from '../redis/key-prefix.js';
import {
  claimed,
  mediaClaimant,
  newTestJob,
  playPrepare,
  preparedJob,
  type RepeatedCall,
  renderAll,
  renderClaimant,
  testPiece,
  testWorker,
  useTestRecords,
  withLostReplies,
  withRepeatedCalls,
  withScripts,
} from '../testing.js';
import { drainWorker } from '../workers/drain-worker.js';
import { markOfflineWorkers } from '../workers/mark-offline-workers.js';
import { registerWorker } from '../workers/register-worker.js';
import { removeWorker } from '../workers/remove-worker.js';
import { setEngineVersion } from '../workers/set-engine-version.js';
import { addMissingTickets } from './add-missing-tickets.js';
import { claimTask } from './claim-task.js';
import { commitPiece } from './commit-piece.js';
import { expireLeases } from './expire-leases.js';
import { type AttemptOutcome, finishAttempt } from './finish-attempt.js';
import { getPieces } from './get-pieces.js';
import { getTask, getTasks } from './get-task.js';
import { moveHostTasks } from './move-host-tasks.js';
import { renewLeases } from './renew-leases.js';

const { context, redis, tickets } = await useTestRecords();

const succeeded = { status: 'succeeded', result: {}, metrics: { seconds: 1 } } as const;
const interrupted = { status: 'interrupted', metrics: {} } as const;
const failed = (failureClass: FailureClass): AttemptOutcome => ({
  status: 'failed',
  error: { code: 'engine-crashed', message: 'The engine ended.' },
  failureClass,
  metrics: {},
});

async function loseAttempt(attemptId: string): Promise<void> {
  await redis.zadd(`${KEY_PREFIX}leases`, 1, attemptId);
  expect(await finishAttempt(context, attemptId, { status: 'lost' })).toBe('ended');
}

async function halfRendered() {
  const { id: jobId } = await preparedJob(context, [96]);
  const claim = await claimed(context, renderClaimant('w1'));
  const commit = { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) };
  expect(await commitPiece(context, commit)).toBe('committed');
  return { jobId, claim, commit };
}

async function failedJob(): Promise<string> {
  const { jobId, claim } = await halfRendered();
  await finishAttempt(context, claim.attempt.id, failed('input'));
  return jobId;
}

type Scenario = () => Promise<(repeating: RecordsContext) => Promise<unknown>>;

/** What is done before, and then the call of which every script is sent twice. */
const scenarios: Record<string, Scenario> = {
  createJob: async () => (repeating) => createJob(repeating, newTestJob()),
  'createJob over a quota': async () => {
    await createJob(context, newTestJob());
    return (repeating) => createJob(repeating, { ...newTestJob(), maximumUnendedJobs: 1 }).catch(() => {});
  },
  'createJob with a key': async () => (repeating) =>
    createJob(repeating, { ...newTestJob(), idempotency: { key: 'a', bodySha256: 'b' }, maximumUnendedJobs: 1 }),
  'cancelJob of a waiting job': async () => {
    const { id } = await preparedJob(context, [48]);
    return (repeating) => cancelJob(repeating, id);
  },
  'cancelJob of a running job': async () => {
    const { jobId } = await halfRendered();
    return (repeating) => cancelJob(repeating, jobId);
  },
  retryJob: async () => {
    const jobId = await failedJob();
    return (repeating) => retryJob(repeating, jobId);
  },
  'retryJob of an absent job': async () => (repeating) => retryJob(repeating, 'absent'),
  deleteJob: async () => {
    const jobId = await failedJob();
    return (repeating) => deleteJob(repeating, jobId);
  },
  shrinkEndedJobs: async () => {
    await failedJob();
    return (repeating) => shrinkEndedJobs(repeating, -1);
  },
  addWarning: async () => {
    const { id } = await preparedJob(context, [48]);
    return (repeating) => addWarning(repeating, id, { code: 'speech-truncated', message: 'Cut.' });
  },
  'advance that plans renders': async () => {
    await createJob(context, newTestJob());
    return (repeating) => playPrepare(repeating, [48, 48]);
  },
  'advance that readies the assembly': async () => {
    await preparedJob(context, [48]);
    return (repeating) => renderAll(repeating);
  },
  'advance that ends the job': async () => {
    await preparedJob(context, [48]);
    await renderAll(context);
    const { attempt } = await claimed(context, mediaClaimant);
    return (repeating) => finishAttempt(repeating, attempt.id, succeeded);
  },
  claimTask: async () => {
    await preparedJob(context, [48, 48]);
    return (repeating) => claimTask(repeating, renderClaimant('w1'));
  },
  'claimTask without work': async () => (repeating) => claimTask(repeating, renderClaimant('w1')),
  commitPiece: async () => {
    await preparedJob(context, [96]);
    const claim = await claimed(context, renderClaimant('w1'));
    const commit = { taskId: claim.task.id, attemptId: claim.attempt.id, piece: testPiece(claim, 0, 48) };
    return (repeating) => commitPiece(repeating, commit);
  },
  ...Object.fromEntries(
    [failed('engine'), failed('machine'), failed('storage'), failed('input'), interrupted].map((outcome, index) => [
      `finishAttempt that ${outcome.status} (${index})`,
      async () => {
        const { claim } = await halfRendered();
        return (repeating: RecordsContext) => finishAttempt(repeating, claim.attempt.id, outcome);
      },
    ]),
  ),
  'finishAttempt of a canceled job': async () => {
    const { jobId, claim } = await halfRendered();
    await cancelJob(context, jobId);
    return (repeating) => finishAttempt(repeating, claim.attempt.id, interrupted);
  },
  'finishAttempt that is incomplete': async () => {
    const { claim } = await halfRendered();
    return (repeating) => finishAttempt(repeating, claim.attempt.id, succeeded);
  },
  'finishAttempt that is lost': async () => {
    const { claim } = await halfRendered();
    await redis.zadd(`${KEY_PREFIX}leases`, 1, claim.attempt.id);
    return (repeating) => finishAttempt(repeating, claim.attempt.id, { status: 'lost' });
  },
  'finishAttempt that lost a piece': async () => {
    await preparedJob(context, [48]);
    const { task } = await renderAll(context);
    const [piece] = await getPieces(context, task.id);
    const { attempt } = await claimed(context, mediaClaimant);
    const outcome = { ...failed('storage'), lostObjects: [{ key: piece!.key, found: 'missing' }] } as AttemptOutcome;
    return (repeating) => finishAttempt(repeating, attempt.id, outcome);
  },
  'advance that plans renders again': async () => {
    await preparedJob(context, [48, 48]);
    const { attempt } = await claimed(context, renderClaimant('w1'));
    await finishAttempt(context, attempt.id, {
      ...failed('storage'),
      lostObjects: [{ key: 'portrait.png', found: 'missing' as const }],
    } as AttemptOutcome);
    return (repeating) => playPrepare(repeating, [48, 48]);
  },
  reopenAssembly: async () => {
    const { id } = await preparedJob(context, [48]);
    await renderAll(context);
    const { attempt } = await claimed(context, mediaClaimant);
    await finishAttempt(context, attempt.id, { ...succeeded, result: { key: 'video.mp4' } });
    return (repeating) => reopenAssembly(repeating, id, 'video.mp4');
  },
  expireLeases: async () => {
    await halfRendered();
    return (repeating) => expireLeases(repeating, 1000);
  },
  addMissingTickets: async () => {
    await preparedJob(context, [48, 48]);
    return (repeating) => addMissingTickets(repeating, { taskClass: 'cpu', count: 9, olderThanMs: -1 });
  },
  moveHostTasks: async () => {
    const { id } = newTestJob();
    await redis.zadd(`${KEY_PREFIX}ready:host`, 1, `${id}-prepare`);
    return (repeating) => moveHostTasks(repeating);
  },
  registerWorker: async () => (repeating) => registerWorker(repeating, testWorker),
  ...Object.fromEntries(
    Object.entries({
      drainWorker: (repeating: RecordsContext) => drainWorker(repeating, 'w1'),
      removeWorker: (repeating: RecordsContext) => removeWorker(repeating, 'w1'),
      setEngineVersion: (repeating: RecordsContext) => setEngineVersion(repeating, 'w1', '2'),
      markOfflineWorkers: (repeating: RecordsContext) => markOfflineWorkers(repeating, { silentMs: -1 }),
      'markOfflineWorkers that forgets': (repeating: RecordsContext) =>
        markOfflineWorkers(repeating, { silentMs: -1, forgetMs: -1 }),
    }).map(([name, call]) => [
      name,
      async () => {
        await registerWorker(context, testWorker);
        return call;
      },
    ]),
  ),
  createApiKey: async () => (repeating) => createApiKey(repeating.redis, { owner: 'anna', role: 'submit' }),
  ...Object.fromEntries(
    [0, 60].map((graceSeconds) => [
      `rotateApiKey with ${graceSeconds} s of grace`,
      async () => {
        const { record } = await createApiKey(redis, { owner: 'anna', role: 'admin' });
        return (repeating: RecordsContext) => rotateApiKey(repeating.redis, record.id, graceSeconds);
      },
    ]),
  ),
  'revokeApiKey of the last but one admin': async () => {
    await createApiKey(redis, { owner: 'anna', role: 'admin' });
    const { record } = await createApiKey(redis, { owner: 'ben', role: 'admin' });
    return (repeating) => revokeApiKey(repeating.redis, record.id);
  },
};

/** A ticket that is due at a certain time has less delay when it is returned again. */
const inWholeSeconds = (answer: unknown): unknown =>
  Array.isArray(answer)
    ? answer.map(inWholeSeconds)
    : typeof answer === 'number' && answer > 100
      ? Math.ceil(answer / 1000) * 1000
      : answer;

describe('a script that is sent again, since its reply was lost,', () => {
  it.each(Object.entries(scenarios))('gives the same answer and changes nothing more: %s', async (name, prepare) => {
    const run = await prepare();
    const calls: RepeatedCall[] = [];
    await run(withRepeatedCalls(context, calls));
    expect(calls.length).toBeGreaterThan(0);
    for (const { answers, states } of calls) {
      expect(inWholeSeconds(answers[1])).toEqual(inWholeSeconds(answers[0]));
      // When the sweep ran last is what it writes.
      const ignored = name === 'expireLeases' ? { [`${KEY_PREFIX}leases-swept`]: '' } : {};
      expect({ ...states[1], ...ignored }).toEqual({ ...states[0], ...ignored });
    }
  });

  it('renews leases and stops the same attempts: renewLeases', async () => {
    const { jobId, claim } = await halfRendered();
    await registerWorker(context, testWorker);
    await cancelJob(context, jobId);
    const calls: RepeatedCall[] = [];
    const attempts = [{ attemptId: claim.attempt.id, framesDone: 1, framesPerSecond: 1 }];
    await renewLeases(withRepeatedCalls(context, calls), { workerId: 'w1', status: 'busy', attempts });
    const [first, second] = calls[0]!.answers as [unknown[], unknown[]];
    expect(second.slice(0, 3)).toEqual(first.slice(0, 3));
  });

  it('does not make somebody else the first admin', async () => {
    const set = async (...args: Parameters<typeof redis.set>) => {
      await redis.set(...args);
      return redis.set(...args);
    };
    const repeating = Object.assign(Object.create(redis), { set }) as typeof redis;
    let delivered = '';
    const deliver = async (secret: string) => {
      delivered = secret;
    };
    expect(await createFirstAdminKey(repeating, deliver)).toBe(true);
    expect(await findApiKey(redis, delivered)).toMatchObject({ role: 'admin' });
    expect(await createFirstAdminKey(repeating, deliver)).toBe(false);
    expect(await listApiKeys(redis)).toHaveLength(1);
  });
});

describe('a claim whose reply got lost', () => {
  it('leaves one attempt that has a lease', async () => {
    const { id: jobId } = await preparedJob(context, [48, 48]);
    const claim = await claimed(withLostReplies(context), renderClaimant('w1'));
    const running = (await getTasks(context, jobId)).filter((task) => task.status === 'running');
    expect(running.map((task) => [task.id, task.attemptId])).toEqual([[claim.task.id, claim.attempt.id]]);
    expect((await getJob(context, jobId))?.runningAttempts).toBe(1);
    expect(await redis.zrange(`${KEY_PREFIX}leases`, 0, '-1')).toEqual([claim.attempt.id]);
  });

  it('says that its attempt has ended, instead of running a task that is no longer its own', async () => {
    await preparedJob(context, [48]);
    const late = withScripts(context, (call) => async (...args) => {
      await call(...args);
      await loseAttempt(String(args[5]));
      return call(...args);
    });
    // Known to Redis, so that the wrapped call is the one that counts.
    await claimTask(context, renderClaimant('w0', ['80g']));
    expect(await claimTask(late, renderClaimant('w1'))).toBe('ended');
    expect((await claimed(context, renderClaimant('w2'))).task).toMatchObject({ losses: 1, attemptCount: 2 });
  });

  it('returns its task when it fails for good', async () => {
    await preparedJob(context, [48]);
    let isFirst = true;
    const breaking = withScripts(context, (call) => async (...args) => {
      const reply = await call(...args);
      if (!isFirst) return reply;
      isFirst = false;
      throw new Error('Connection is closed.');
    });
    await claimTask(context, renderClaimant('w0', ['80g']));
    await expect(claimTask(breaking, renderClaimant('w1'))).rejects.toThrow('Connection is closed.');
    expect(tickets.at(-1)).toMatchObject({ generation: 2 });
    expect((await claimed(context, renderClaimant('w1'))).task).toMatchObject({ failures: 0, attemptCount: 2 });
  });

  it('returns a task whose job it cannot read, as a failure', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    await redis.hset(`${KEY_PREFIX}job:${jobId}`, 'schema', 99);
    await expect(claimTask(context, renderClaimant('w1'))).rejects.toThrow('record schema 99');
    expect(await getTask(context, `${jobId}-render-00000`)).toMatchObject({ status: 'ready', machineFailures: 1 });
  });

  it('needs no read after it', async () => {
    await preparedJob(context, [48]);
    const refuse = () => Promise.reject(new Error('Connection is closed.'));
    const unreadable = Object.assign(Object.create(redis), { hgetall: refuse, lrange: refuse, get: refuse });
    expect(await claimTask({ ...context, redis: unreadable }, renderClaimant('w1'))).toMatchObject({
      task: { status: 'running', frameCount: 48 },
      pieces: [],
    });
  });
});

describe('a commit that is sent again', () => {
  type Half = Awaited<ReturnType<typeof halfRendered>>;
  const later: Record<string, (half: Half) => Promise<unknown>> = {
    'its lease expired': ({ claim }) => loseAttempt(claim.attempt.id),
    'another attempt took over and committed more': async ({ claim }) => {
      await loseAttempt(claim.attempt.id);
      await renderAll(context, 'w2');
    },
    'further pieces followed': ({ claim, commit }) =>
      commitPiece(context, { ...commit, piece: testPiece(claim, 48, 48) }),
    'the job is being canceled': ({ jobId }) => cancelJob(context, jobId),
    'the job was canceled': async ({ jobId, claim }) => {
      await cancelJob(context, jobId);
      await finishAttempt(context, claim.attempt.id, interrupted);
      expect(await getPieces(context, claim.task.id)).toEqual([]);
    },
    'the job was canceled, retried and rendered again': async ({ jobId, claim }) => {
      await cancelJob(context, jobId);
      await finishAttempt(context, claim.attempt.id, interrupted);
      await retryJob(context, jobId);
      await renderAll(context, 'w2');
    },
    'the job failed': ({ claim }) => finishAttempt(context, claim.attempt.id, failed('input')),
    'the job succeeded': async ({ claim, commit }) => {
      await commitPiece(context, { ...commit, piece: testPiece(claim, 48, 48) });
      await finishAttempt(context, claim.attempt.id, succeeded);
      await finishAttempt(context, (await claimed(context, mediaClaimant)).attempt.id, succeeded);
    },
  };

  it.each(Object.entries(later))('is answered as before when %s', async (_name, happen) => {
    const half = await halfRendered();
    await happen(half);
    const { claim, commit } = half;
    const before = await getPieces(context, commit.taskId);
    expect(await commitPiece(context, commit)).toBe('committed');
    // Other bytes under the same frames are another piece.
    const other = { ...commit, piece: { ...commit.piece, fileSha256: 'c'.repeat(64) } };
    expect(await commitPiece(context, other)).not.toBe('committed');
    expect(await getPieces(context, claim.task.id)).toEqual(before);
  });

  it('leaves no key of its job after the deletion', async () => {
    const { jobId, claim } = await halfRendered();
    await cancelJob(context, jobId);
    await finishAttempt(context, claim.attempt.id, interrupted);
    expect(await deleteJob(context, jobId)).toBe('deleted');
    expect((await redis.keys(`${KEY_PREFIX}*`)).filter((key) => key.includes(jobId))).toEqual([]);
  });
});

describe('an outcome that is sent again', () => {
  it('is answered as before, and its ticket is added again while the task is ready', async () => {
    const { claim } = await halfRendered();
    expect(await finishAttempt(context, claim.attempt.id, interrupted)).toBe('ended');
    tickets.length = 0;
    expect(await finishAttempt(context, claim.attempt.id, interrupted)).toBe('ended');
    expect(tickets).toEqual([{ taskId: claim.task.id, taskClass: 'cpu', generation: 2, delayMs: 0 }]);
    await claimed(context, renderClaimant('w2'));
    expect(await finishAttempt(context, claim.attempt.id, interrupted)).toBe('ended');
    expect(tickets).toHaveLength(1);
    expect(await getTask(context, claim.task.id)).toMatchObject({ status: 'running', attemptCount: 2 });
    expect(await finishAttempt(context, claim.attempt.id, succeeded)).toBe('fenced');
    expect(await finishAttempt(context, claim.attempt.id, { ...interrupted, metrics: { a: 1 } })).toBe('fenced');
  });

  it('lets the job advance, when the worker died before it did so', async () => {
    const { id: jobId } = await preparedJob(context, [48]);
    await renderAll(context);
    const { attempt } = await claimed(context, mediaClaimant);
    const dying = Object.assign(Object.create(redis), { hgetall: () => Promise.reject(new Error('killed')) });
    await expect(finishAttempt({ ...context, redis: dying }, attempt.id, succeeded)).rejects.toThrow('killed');
    expect((await getJob(context, jobId))?.status).toBe('running');
    expect(await finishAttempt(context, attempt.id, succeeded)).toBe('ended');
    expect((await getJob(context, jobId))?.status).toBe('succeeded');
    await advance(context, jobId);
  });
});
