/** A question that is asked again and again, and never while its answer is on the way. */
export interface PollOptions<T> {
  ask: () => Promise<T>;
  /** After how many milliseconds it is asked again, by what was answered last; undefined: it is not. */
  every: (last: T | null) => number | undefined;
  /** Nobody looks: the question waits for its next turn. */
  inSight: () => boolean;
  told: (answer: T) => void;
  failed: (problem: unknown) => void;
}

export class Poll<T> {
  readonly #options: PollOptions<T>;
  #last: T | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  constructor(options: PollOptions<T>) {
    this.#options = options;
  }

  /** Asks now. What was asked before is dropped: it may be from before whatever made this necessary. */
  again(): void {
    clearTimeout(this.#timer);
    const mine = ++this.#turn;
    this.#options
      .ask()
      .then(
        (answer) => {
          if (mine !== this.#turn) return;
          this.#last = answer;
          this.#options.told(answer);
        },
        (problem: unknown) => mine === this.#turn && this.#options.failed(problem),
      )
      .finally(() => mine === this.#turn && this.#later());
  }

  stop(): void {
    this.#turn += 1;
    clearTimeout(this.#timer);
  }

  #later(): void {
    const pause = this.#options.every(this.#last);
    if (pause === undefined) return;
    this.#timer = setTimeout(() => (this.#options.inSight() ? this.again() : this.#later()), pause);
  }
}
