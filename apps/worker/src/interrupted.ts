/** The attempt ended early on purpose; what is committed is kept. */
export class Interrupted extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Interrupted';
  }
}
