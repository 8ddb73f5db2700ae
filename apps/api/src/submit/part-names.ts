import { DuplicatePartError } from './part-errors.js';

/** A submit's files. */
export type InputName = 'portrait' | 'speech';
export type PartName = 'spec' | InputName;

export const partNames: readonly PartName[] = ['spec', 'portrait', 'speech'];

/** Names that clients written for earlier versions send, by today's. */
const formerNames: ReadonlyMap<string, string> = new Map<InputName, string>([
  ['portrait', 'image'],
  ['speech', 'audio'],
]);

export const formerNameOf = (name: string): string | undefined => formerNames.get(name);

const currentName = (name: string): string =>
  [...formerNames].find(([, formerName]) => formerName === name)?.[0] ?? name;

/** Undefined for what is not a part of a submit. */
export function partNameOf(name: string | undefined): PartName | undefined {
  if (name === undefined) return undefined;
  const current = currentName(name);
  return partNames.find((candidate) => candidate === current);
}

/**
 * A JSON body's members under their current names; anything but an object is returned as it is.
 *
 * @throws DuplicatePartError for a member that has both its names
 */
export function withCurrentNames(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const entries = Object.entries(body).map(([name, value]) => [currentName(name), value] as const);
  const duplicate = entries.find(([name], index) => entries.findIndex(([other]) => other === name) !== index);
  if (duplicate !== undefined) throw new DuplicatePartError(duplicate[0], formerNameOf(duplicate[0]));
  return Object.fromEntries(entries);
}
