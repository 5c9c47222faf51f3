/** What stands in front of several bots that share one webhook. */

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LatchkeyProcess } from './process.ts';

const SECRET_HEADER = 'x-telegram-bot-api-secret-token';

export interface HeldUpdate {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface WebhookBalancer {
  /** The settings of every bot behind it. */
  readonly env: Readonly<Record<string, string>>;
  /** What it took from Telegram and keeps for the test to hand on, oldest first. */
  readonly held: HeldUpdate[];
  /** From now on it keeps nothing, and passes each update on to one of these that takes it. */
  passOnTo(bots: () => readonly LatchkeyProcess[]): void;
  /** @returns the HTTP status of a bot's answer; 0 where it does not answer */
  hand(update: HeldUpdate, port: number): Promise<number>;
  close(): void;
}

export async function startWebhookBalancer(): Promise<WebhookBalancer> {
  const held: HeldUpdate[] = [];
  let bots: (() => readonly LatchkeyProcess[]) | undefined;
  let next = 0;

  async function hand({ body, headers }: HeldUpdate, port: number): Promise<number> {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/hook`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          [SECRET_HEADER]: String(headers[SECRET_HEADER]),
        },
      });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }

  /** In turn; who does not take it leaves it to the next, as proxies do. */
  async function passOn(update: HeldUpdate, to: readonly LatchkeyProcess[]): Promise<number> {
    next += 1;
    for (const index of to.keys()) {
      const bot = to[(next + index) % to.length];
      if (bot !== undefined && (await hand(update, httpPortOf(bot))) === 200) return 200;
    }
    return 502;
  }

  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const update = { body, headers: request.headers };
    if (bots === undefined) held.push(update);
    else response.statusCode = await passOn(update, bots());
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      ROLE: 'bot',
      TELEGRAM_WEBHOOK_URL: `http://127.0.0.1:${port}/hook`,
      TELEGRAM_WEBHOOK_SECRET: 'only-for-this-test',
    },
    held,
    passOnTo(given) {
      bots = given;
    },
    hand,
    close: () => void server.close(),
  };
}

/** Where a process that is online listens, as it says at its start. */
export function httpPortOf({ output }: Pick<LatchkeyProcess, 'output'>): number {
  return Number(/"httpPort":(\d+)/.exec(output())?.[1]);
}
