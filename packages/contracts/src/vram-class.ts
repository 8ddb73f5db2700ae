import { z } from 'zod';

/** VRAM classes from small to large. `cpu` renders with no GPU at all. */
export const vramClasses = ['cpu', '16g', '24g', '48g', '80g'] as const;
export const VramClass = z.enum(vramClasses).meta({ id: 'VramClass' });
export type VramClass = z.infer<typeof VramClass>;

/**
 * What a ticket queue is named for: a VRAM class (one segment to render), or `media`, the decoding, cutting and joining
 * that every worker does on its CPU slot.
 */
export const taskClasses = ['media', ...vramClasses] as const;
export const TaskClass = z.enum(taskClasses);
export type TaskClass = z.infer<typeof TaskClass>;

/** The classes a worker of class `own` can hold: its own first, then every smaller GPU class; `cpu` stays apart. */
export function classesHeldBy(own: VramClass): VramClass[] {
  if (own === 'cpu') return ['cpu'];
  return vramClasses.slice(1, vramClasses.indexOf(own) + 1).reverse();
}
