/**
 * What this process calls "now", moved to where a test wants it. Timers run on as they do, and the
 * database keeps its own time.
 */

export interface MovingClock {
  /** From this moment the clock goes on. */
  set(at: string): void;
  /** Back to the real time; always called, since files share a process. */
  restore(): void;
}

export function moveClock(): MovingClock {
  const RealDate = globalThis.Date;
  let offsetMs = 0;
  const now = () => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
  return {
    set(at) {
      offsetMs = RealDate.parse(at) - RealDate.now();
    },
    restore() {
      globalThis.Date = RealDate;
    },
  };
}
