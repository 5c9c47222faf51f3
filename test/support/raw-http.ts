/** HTTP as it is written on the wire, by whoever does not keep to its rules. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';

/**
 * Everything that the server says on a connection until one of both closes it.
 * @param say writes; what can't be written any more is of no interest
 */
export function conversation(port: number, say: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => say(socket));
    let heard = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      heard += part;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(heard));
  });
}

/** The status that the first answer has; undefined where the connection is closed without one. */
export async function statusOf(port: number, text: string): Promise<number | undefined> {
  const heard = await conversation(port, (socket) => socket.write(text));
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(heard)?.[1];
  return status === undefined ? undefined : Number(status);
}

/** How many bytes the server at this port read, on all connections that brought a request. */
export function countReadBytes(port: number): { total(): number; stop(): void } {
  const sockets = new Set<Socket>();
  const note = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort === port) sockets.add(socket);
  };
  subscribe('http.server.request.start', note);
  return {
    total: () => [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, 0),
    stop: () => unsubscribe('http.server.request.start', note),
  };
}
