/** What the simulator's own tests share. */

import { Api, Bot, GrammyError } from 'grammy';
import type { Message, MessageEntity, Update, User } from 'grammy/types';
import { afterEach } from 'vitest';
import {
  type SimulatorOptions,
  startTelegramSimulator,
  type TelegramSimulator,
} from '../telegram.ts';

export interface Fixture {
  readonly telegram: TelegramSimulator;
  /** The bot's side, by the real grammY. */
  readonly api: Api;
  readonly ann: User;
  /** Receives by long polling until the test ends. */
  poll(handle: (update: Update) => void | Promise<void>): void;
}

const closers: (() => Promise<unknown>)[] = [];

/** Whatever a test opened is closed after it, last first. */
export function closeAfterTest(close: () => Promise<unknown>): void {
  closers.push(close);
}

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export async function simulate(options: SimulatorOptions = {}): Promise<Fixture> {
  const telegram = await startTelegramSimulator(options);
  closeAfterTest(() => telegram.close());
  const client = { apiRoot: telegram.url };
  return {
    telegram,
    api: new Api(telegram.token, client),
    ann: telegram.addUser({ first_name: 'Ann', username: 'ann_lee' }),
    poll(handle) {
      const bot = new Bot(telegram.token, { client });
      bot.use((ctx) => handle(ctx.update));
      const running = bot.start().catch(() => {});
      closeAfterTest(async () => {
        await bot.stop();
        await running;
      });
    },
  };
}

/** @returns code and description of the refusal. @throws when there is none */
export async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof GrammyError)) throw new Error(`No refusal: ${error}`);
  return `${error.error_code} ${error.description}`;
}

export const bold = (offset: number, length: number): MessageEntity => ({
  type: 'bold',
  offset,
  length,
});

export const texts = (messages: readonly Message[]) => messages.map(({ text }) => text);
