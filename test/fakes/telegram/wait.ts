/** Waiting for something to become true. */

const INTERVAL = 20;
const PATIENCE = 5_000;

export class Waiting {
  readonly #checks = new Set<() => void>();

  /** Lets everybody who waits look again. */
  notify(): void {
    for (const check of [...this.#checks]) check();
  }

  /** @throws what the predicate throws; an error after `timeoutMs` */
  async for<T>(
    predicate: () => T | undefined | false,
    { timeoutMs = PATIENCE }: { readonly timeoutMs?: number } = {},
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const check = () => {
      try {
        const value = predicate();
        if (value !== undefined && value !== false) resolve(value);
      } catch (error) {
        reject(error);
      }
    };
    this.#checks.add(check);
    const timer = setInterval(check, INTERVAL);
    const late = new Error(`Nothing came of it within ${timeoutMs} ms: ${predicate}`);
    const deadline = setTimeout(() => reject(late), timeoutMs);
    check();
    try {
      return await promise;
    } finally {
      clearInterval(timer);
      clearTimeout(deadline);
      this.#checks.delete(check);
    }
  }
}
