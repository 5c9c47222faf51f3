/** The simulator's time, and ids that carry it. */

/** First second of 2015, in milliseconds: where snowflakes begin. */
const EPOCH = 1_420_070_400_000;

export class Clock {
  #ahead = 0;
  #last = 0n;

  now(): number {
    return Date.now() + this.#ahead;
  }

  /** @param ms negative: what is made from then on is older than what there is */
  advance(ms: number): void {
    this.#ahead += ms;
    if (ms < 0) this.#last = 0n;
  }

  iso(): string {
    return new Date(this.now()).toISOString();
  }

  /** A new snowflake, greater than all before since the clock was last put back. */
  nextId(): string {
    const earliest = BigInt(this.now() - EPOCH) << 22n;
    this.#last = earliest > this.#last ? earliest : this.#last + 1n;
    return this.#last.toString();
  }
}

/** When a snowflake was made, in milliseconds. */
export function timeOf(id: string): number {
  return Number(BigInt(id) >> 22n) + EPOCH;
}
