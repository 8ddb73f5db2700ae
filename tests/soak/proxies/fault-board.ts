/** What happens to one request of Redis or of the storage, as a proxy sees it. */
export interface Step {
  /** `commitPiece`, `claimTask render`, `PUT pieces`. */
  readonly name: string;
  /** Undefined where nothing in the request or its reply says so. */
  readonly jobId?: string | undefined;
  readonly workerId?: string | undefined;
}

/** What the network does to a request or its reply. */
export type NetworkFault =
  | { readonly kind: 'cut-before' }
  | { readonly kind: 'lost-reply' }
  | { readonly kind: 'late-reply'; readonly delayMs: number }
  | { readonly kind: 'frozen' }
  /** The reply is lost, and whoever sent the request reaches Redis on no connection for a while. */
  | { readonly kind: 'cut-off'; readonly forMs: number }
  | { readonly kind: 'bytewise' }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'slow-down' }
  | { readonly kind: 'server-error' }
  | { readonly kind: 'away'; readonly forMs: number };

/** What happens to a process of the farm when the step is reached; the step itself is left alone. */
export interface ProcessFault {
  readonly kind: 'kill' | 'freeze';
  readonly part: 'api' | 'scheduler' | 'worker' | 'engine' | 'ffmpeg' | 'redis';
}

export type Fault = NetworkFault | ProcessFault;

export const isProcessFault = (fault: Fault): fault is ProcessFault => 'part' in fault;

export interface Aim {
  readonly fault: Fault;
  readonly step: string;
  /** The number of the step among those of this name in the job; 1 is the first. */
  readonly nth: number;
}

/** A fault that waits for its step. */
export interface ArmedFault extends Aim {
  firedAt?: number;
}

/** The jobs of one round; a submit that is sent again makes a second id, of which nothing else is ever seen. */
export interface RoundOfJobs {
  readonly idempotencyKey: string;
  readonly jobIds: Set<string>;
  readonly faults: ArmedFault[];
  /** Inputs are stored before the job has a record: they belong to the round that submits; only one does at a time. */
  isSubmitting: boolean;
}

/** Where the rounds arm their faults, and the proxies ask whether one of them is due. */
export class FaultBoard {
  readonly #rounds = new Set<RoundOfJobs>();
  readonly #seen = new WeakMap<ArmedFault, number>();
  readonly #onProcessFault: (fault: ProcessFault, step: Step) => Promise<boolean>;

  /** @param onProcessFault resolves to whether there was such a process */
  constructor(onProcessFault: (fault: ProcessFault, step: Step) => Promise<boolean>) {
    this.#onProcessFault = onProcessFault;
  }

  open(idempotencyKey: string, aims: readonly Aim[]): RoundOfJobs {
    const round = {
      idempotencyKey,
      jobIds: new Set<string>(),
      faults: aims.map((aim) => ({ ...aim })),
      isSubmitting: false,
    };
    this.#rounds.add(round);
    return round;
  }

  close(round: RoundOfJobs): void {
    this.#rounds.delete(round);
  }

  /** A request says under which id a submit writes its job. */
  nameJob(idempotencyKey: string, jobId: string): void {
    for (const round of this.#rounds) if (round.idempotencyKey === idempotencyKey) round.jobIds.add(jobId);
  }

  /** The network fault that this step meets. Every call counts: ask once per request. */
  meet(step: Step): NetworkFault | undefined {
    let met: NetworkFault | undefined;
    for (const round of this.#roundsOf(step)) {
      for (const armed of round.faults) {
        if (armed.step !== step.name || armed.firedAt !== undefined) continue;
        const seen = (this.#seen.get(armed) ?? 0) + 1;
        this.#seen.set(armed, seen);
        if (seen < armed.nth) continue;
        armed.firedAt = performance.now();
        if (isProcessFault(armed.fault)) this.#disturb(armed, armed.fault, step);
        else met ??= armed.fault;
      }
    }
    return met;
  }

  #disturb(armed: ArmedFault, fault: ProcessFault, step: Step): void {
    void this.#onProcessFault(fault, step).then((hit) => {
      if (!hit) delete armed.firedAt;
    });
  }

  #roundsOf({ name, jobId }: Step): RoundOfJobs[] {
    const rounds = [...this.#rounds];
    // A heartbeat or a sweep belongs to no job: whoever waits for one takes it.
    if (jobId === undefined) return rounds;
    if (name === 'PUT input') return rounds.filter((round) => round.isSubmitting);
    return rounds.filter((round) => round.jobIds.has(jobId));
  }
}
