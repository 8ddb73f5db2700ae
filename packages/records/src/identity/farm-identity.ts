import { OtherStorageRootError, RecordsLostError } from './errors.js';
import { establishFarm } from './establish-farm.js';
import { type FarmPlaces, readKnownRoot } from './farm-root.js';

/**
 * Whose farm a process works for. It may found one when it starts, and never afterwards: a Redis that was emptied under a
 * running process is refused until it knows the farm again.
 */
export class FarmIdentity {
  readonly #places: FarmPlaces;
  #farmId: string | undefined;

  constructor(places: FarmPlaces) {
    this.#places = places;
  }

  /** Undefined until Redis and storage were seen to belong together. */
  get farmId(): string | undefined {
    return this.#farmId;
  }

  /** When a process starts. @throws RecordsLostError, OtherStorageRootError */
  async establish(): Promise<void> {
    this.#farmId = await establishFarm(this.#places);
  }

  /** Whether Redis still knows the farm: one read. @throws RecordsLostError, OtherStorageRootError */
  async check(): Promise<void> {
    await this.#compare(this.#farmId ?? (await this.#places.storage.rootId()));
  }

  /** As `check`, and that the storage is still the farm's. @throws RecordsLostError, OtherStorageRootError */
  async checkBoth(): Promise<void> {
    const seen = await this.#places.storage.rootId();
    await this.#compare(seen);
    if (this.#farmId !== undefined && this.#farmId !== seen)
      throw new OtherStorageRootError({ known: this.#farmId, seen }, this.#places);
  }

  async #compare(expected: string | undefined): Promise<void> {
    const known = await readKnownRoot(this.#places.redis);
    if (known === undefined) throw new RecordsLostError(this.#places);
    if (known !== expected) throw new OtherStorageRootError({ known, seen: expected }, this.#places);
    this.#farmId ??= known;
  }
}
