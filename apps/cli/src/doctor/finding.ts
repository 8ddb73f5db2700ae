/** `problem`: something cannot work until it is changed. `note`: worth knowing. */
export type Verdict = 'fine' | 'note' | 'problem';

export interface Finding {
  /** What was looked at, in one word. */
  readonly area: string;
  readonly verdict: Verdict;
  /** What was found, as a sentence or a fact. */
  readonly found: string;
  /** What the person can do. */
  readonly remedy?: string;
}

export const fine = (area: string, found: string): Finding => ({ area, verdict: 'fine', found });
export const note = (area: string, found: string, remedy?: string): Finding => ({
  area,
  verdict: 'note',
  found,
  ...(remedy !== undefined && { remedy }),
});
export const problem = (area: string, found: string, remedy: string): Finding => ({
  area,
  verdict: 'problem',
  found,
  remedy,
});
