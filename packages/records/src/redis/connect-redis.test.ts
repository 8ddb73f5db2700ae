import { describe, expect, it } from 'vitest';
import { useTestRecords } from '../testing.js';
import { connectRedis } from './connect-redis.js';

const { redis, server } = await useTestRecords();

describe('connectRedis', () => {
  it('says once that Redis is unavailable or refuses the password, without showing it, and when it is back', async () => {
    const said: string[] = [];
    const options = {
      manner: 'patient' as const,
      onUnavailable: (message: string) => said.push(message),
      onBack: () => said.push('back'),
    };
    await redis.config('SET', 'requirepass', 'right');
    const client = connectRedis(server.url.replace('redis://', 'redis://:wrong@'), options);
    await expect.poll(() => said.length).toBe(1);
    await redis.config('SET', 'requirepass', '');
    expect(await client.ping()).toBe('PONG');
    expect(said).toEqual([expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ is unavailable \(.*password/), 'back']);
    expect(said[0]).not.toContain('wrong@');
    client.disconnect();
  });
});
