/** A network that fails: stands between a client and a server on 127.0.0.1. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** How many connections were made through it so far. */
  readonly made: number;
  /** Ends every connection at once, as by a reset. */
  cut(): void;
  /** From now on nothing comes through on the connections there are; nobody is told. */
  swallow(): void;
  /** New connections too are taken, and get no answer. */
  swallowAll(isOn: boolean): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let made = 0;
  let swallowsAll = false;
  const silence = ([client, server]: readonly [Socket, Socket]) => {
    client.unpipe(server).resume();
    server.unpipe(client).resume();
  };
  const server = createServer((client) => {
    made++;
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
    if (swallowsAll) silence(pair);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    get made() {
      return made;
    },
    cut() {
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy();
        upstream.destroy();
      }
    },
    swallow() {
      for (const pair of pairs) silence(pair);
    },
    swallowAll(isOn) {
      swallowsAll = isOn;
      if (isOn) for (const pair of pairs) silence(pair);
    },
    async close() {
      server.close();
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      await once(server, 'close');
    },
  };
}
