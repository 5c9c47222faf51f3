/** Listens in between a program and its PostgreSQL: which statements go over the wire, in order. */

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface Statements {
  /** The database, by the way on which it is listened to. */
  readonly url: string;
  /** What was run so far, on connections of that name, in one line each. */
  readonly heard: readonly string[];
  close(): Promise<void>;
}

/** @param applicationName of the connections that are of interest */
export async function listenToStatements(
  database: string,
  applicationName: string,
): Promise<Statements> {
  const target = new URL(database);
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port) });
    const listener = createListener(applicationName, (statement) => heard.push(statement));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', listener);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = new URL(target);
  url.host = `127.0.0.1:${address.port}`;
  return {
    url: url.href,
    heard,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Reads what a client sends: Parse gives a statement its name, Bind says which one is run next. */
function createListener(applicationName: string, onStatement: (statement: string) => void) {
  const named = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  let isOfInterest: boolean | undefined;

  function take(type: string, body: Buffer): void {
    const words = (length: number) => body.toString('utf8').split('\0', length);
    const [first = '', second = ''] = words(2);
    if (type === 'P') named.set(first, second);
    const run = type === 'Q' ? first : type === 'B' ? named.get(second) : undefined;
    if (run !== undefined && isOfInterest) onStatement(run.replace(/\s+/g, ' ').trim());
  }

  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      // The very first message has no type.
      const header = isOfInterest === undefined ? 0 : 1;
      if (rest.length < header + 4) return;
      const length = header + rest.readUInt32BE(header);
      if (rest.length < length) return;
      const body = rest.subarray(header + 4, length);
      if (header === 0) {
        const parameters = body.subarray(4).toString('utf8').split('\0');
        isOfInterest = parameters[parameters.indexOf('application_name') + 1] === applicationName;
      } else {
        take(String.fromCharCode(rest[0] ?? 0), body);
      }
      rest = rest.subarray(length);
    }
  };
}
