/** Every key of the farm begins with this hash tag, so that a Redis Cluster keeps the farm in one slot. */
export const KEY_PREFIX = '{farm}:';
