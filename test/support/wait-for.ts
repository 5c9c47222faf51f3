import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `condition` gives something truthy, and returns that.
 *
 * @throws when it has not within `timeoutMs` (default 5,000), with `what` in the message.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly what?: string } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (isThere(result)) return result;
    if (Date.now() > deadline) {
      throw new Error(`${options.what ?? condition.toString()} did not happen in ${timeoutMs} ms`);
    }
    await sleep(5);
  }
}

function isThere<T>(value: T): value is NonNullable<Exclude<T, false>> & T {
  return Boolean(value);
}
