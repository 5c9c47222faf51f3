/** A server that answers every request with the same, as if it were a provider or Vault. */

import { createServer } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Where the body is cut into writes, counted from one cut to the next, in bytes. */
  readonly pieces: readonly number[];
  /** The connection breaks before the end of the body. */
  readonly breaksOff: boolean;
}

let answer: Answer | undefined;
let address: Promise<string> | undefined;

/**
 * The one server, with another answer from now on. It keeps no process alive.
 * @returns its address
 */
export function tinyServer(next: Answer): Promise<string> {
  answer = next;
  address ??= listen();
  return address;
}

function listen(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    if (answer === undefined) return void response.writeHead(500).end();
    const { status, headers, body, pieces, breaksOff } = answer;
    response.writeHead(status, headers);
    let rest = Buffer.from(body);
    for (const length of pieces) {
      response.write(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    if (!breaksOff) return void response.end(rest);
    response.write(rest, () => response.destroy());
  });
  server.on('connection', (socket) => socket.unref());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      const found = server.address();
      if (found === null || typeof found === 'string') throw new Error('not a TCP address');
      resolve(`http://127.0.0.1:${found.port}`);
    });
  });
}
