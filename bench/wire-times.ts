/**
 * Loaded before Latchkey's entry (`node --import`): notes of every connection to PostgreSQL and
 * Redis when something was sent and when its answer was there, and writes it to a file at the end.
 */

import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { machineNow, type RoundTrip, wireSettings } from './wire-file.ts';

const { WIRE_FILE, WIRE_OTHERS, WIRE_REDIS } = wireSettings.parse(process.env);
const trips: RoundTrip[] = [];
/** One for each connection. */
const ends = new Set<() => void>();

function watch(socket: Socket, to: RoundTrip['to']): void {
  let from: number | undefined;
  let until: number | undefined;
  const end = () => {
    if (from !== undefined && until !== undefined) trips.push({ to, from, until });
    from = undefined;
    until = undefined;
  };
  socket.write = new Proxy(socket.write, {
    apply(write, self, args) {
      // What is sent before an answer came belongs to the same round trip.
      if (until !== undefined) end();
      from ??= machineNow();
      return Reflect.apply(write, self, args);
    },
  });
  // An answer can come in pieces: the last one before something is sent again ends it.
  socket.prependListener('data', () => {
    until = machineNow();
  });
  ends.add(end);
  socket.once('close', () => {
    end();
    ends.delete(end);
  });
}

subscribe('net.client.socket', (message) => {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return;
  const { socket } = message;
  if (!(socket instanceof Socket)) return;
  socket.once('connect', () => {
    const port = socket.remotePort ?? 0;
    if (!WIRE_OTHERS.includes(port)) watch(socket, port === WIRE_REDIS ? 'redis' : 'postgres');
  });
});

process.on('exit', () => {
  for (const end of ends) end();
  writeFileSync(WIRE_FILE, JSON.stringify(trips));
});
