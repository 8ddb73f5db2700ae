import { expect, it } from 'vitest';
import { OpenResources } from './open-resources.js';

it('closes everything in reverse order, also what comes after a close that fails', async () => {
  const resources = new OpenResources();
  const closed: string[] = [];
  resources.add(() => closed.push('redis'));
  resources.add(async () => {
    closed.push('queues');
    throw new Error('The queues cannot be closed.');
  });
  resources.add(() => closed.push('app'));
  await expect(resources.close()).rejects.toThrow('The queues cannot be closed.');
  expect(closed).toEqual(['app', 'queues', 'redis']);
  await resources.close();
  expect(closed).toHaveLength(3);
});
