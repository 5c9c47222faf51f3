/** What became of an attempt to show a state. */
export type Shown =
  | 'shown'
  | 'failed'
  /** Not now: tried again after the interval, with what is newest then. */
  | 'later'
  /** Never again. */
  | 'off'
  | { readonly holdMs: number };

export interface NewestWinsOptions {
  readonly show: (state: string) => Promise<Shown>;
  /** Milliseconds before the first state is shown. */
  readonly delayMs: number;
  /** Least milliseconds between two states. */
  readonly intervalMs: number;
  /** Milliseconds after which the same state is shown again; absent: never. */
  readonly refreshMs?: number;
  /** After so many failures one after another it stops. */
  readonly maxFailures: number;
  readonly onOff?: () => void;
}

/**
 * Shows states that come faster than they can be shown: one at a time, at most every interval, and
 * always the newest. Failures are dropped with the state. Never throws.
 */
export class NewestWins {
  readonly #options: NewestWinsOptions;
  #newest: string;
  #shown: string | undefined;
  #notBefore: number;
  #shownAt = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #inFlight: Promise<void> | undefined;
  #ended = false;

  constructor(initial: string, options: NewestWinsOptions) {
    this.#options = options;
    this.#newest = initial;
    this.#notBefore = performance.now() + options.delayMs;
    this.#schedule();
  }

  update(state: string): void {
    if (state === this.#newest) return;
    this.#newest = state;
    this.#schedule();
  }

  /** Shows nothing more; resolves when nothing is on its way. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#inFlight;
  }

  #schedule(): void {
    if (this.#ended || this.#inFlight !== undefined) return;
    const { refreshMs } = this.#options;
    clearTimeout(this.#timer);
    let at = this.#notBefore;
    if (this.#newest === this.#shown) {
      if (refreshMs === undefined) return;
      at = Math.max(at, this.#shownAt + refreshMs);
    }
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, at - performance.now()));
    this.#timer.unref();
  }

  #fire(): void {
    const state = this.#newest;
    this.#inFlight = this.#options
      .show(state)
      .catch((): Shown => 'failed')
      .then((result) => this.#settle(state, result))
      .finally(() => {
        this.#inFlight = undefined;
        this.#schedule();
      });
  }

  #settle(state: string, result: Shown): void {
    const now = performance.now();
    const { intervalMs, maxFailures, onOff } = this.#options;
    this.#notBefore = now + (typeof result === 'object' ? result.holdMs : intervalMs);
    if (result === 'shown') {
      this.#shown = state;
      this.#shownAt = now;
      this.#failures = 0;
    } else if (result === 'failed') {
      this.#failures += 1;
    }
    if (result === 'off' || this.#failures >= maxFailures) {
      this.#ended = true;
      onOff?.();
    }
  }
}
