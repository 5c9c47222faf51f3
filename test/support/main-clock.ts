/**
 * main-fast.ts with a clock that jumps at SIGUSR2, as by a hand or by a virtual machine that was
 * asleep: three hours ahead, then three behind, then right again. Only what this process calls
 * "now" moves; timers run on as they do on a real machine, and the database keeps its own time.
 */

const JUMPS_MS = [3 * 3_600_000, -3 * 3_600_000, 0];

const RealDate = Date;
let offsetMs = 0;
let jumps = 0;
const now = () => RealDate.now() + offsetMs;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
process.on('SIGUSR2', () => {
  offsetMs = JUMPS_MS[jumps % JUMPS_MS.length] ?? 0;
  jumps += 1;
  process.stdout.write(`the clock jumped to ${new Date().toISOString()}\n`);
});

await import('./main-fast.ts');
