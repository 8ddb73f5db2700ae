import { errorCodes } from '@farm/contracts';
import { describe, expect, it } from 'vitest';
import { JobNotFoundError } from '../routes/jobs/errors.js';
import { frameworkRefusals } from './framework-refusals.js';
import { problemOf } from './problem-of.js';

const frameworkError = (code: string, statusCode: number) => Object.assign(new Error('inside'), { code, statusCode });

describe('a problem document', () => {
  it('has the status and the title of its code', () => {
    expect(problemOf(new JobNotFoundError('j'), 'r1')).toEqual({
      type: 'urn:farm:problem:job-not-found',
      ...errorCodes['job-not-found'],
      detail: 'There is no job "j" among yours.',
      code: 'job-not-found',
      instance: 'urn:farm:request:r1',
    });
  });

  it.each(Object.entries(frameworkRefusals))('names %s of the framework', (code, { code: ours, detail }) => {
    const { status, title } = errorCodes[ours];
    expect(problemOf(frameworkError(code, 400), 'r1')).toMatchObject({ code: ours, detail, status, title });
  });

  it('keeps the status of a framework refusal that has no name here', () => {
    expect(problemOf(frameworkError('FST_ERR_NEW', 412), 'r1')).toMatchObject({ code: 'bad-request', status: 412 });
  });

  it('reveals nothing internal', () => {
    for (const error of [new Error('inside'), frameworkError('FST_ERR_NEW', 500), 'inside']) {
      const problem = problemOf(error, 'r1');
      expect(problem).toMatchObject({ code: 'internal', ...errorCodes.internal });
      expect(JSON.stringify(problem)).not.toContain('"inside"');
    }
    expect(problemOf(frameworkError('ENOSPC', 500), 'r1')).toMatchObject({ code: 'storage-full', status: 507 });
  });
});
