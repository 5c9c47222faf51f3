/** A receiver on a simulator, and what it hands on. */

import { onTestFinished } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { createBotApi } from '../../../src/platforms/telegram/bot-api.ts';
import {
  createTelegramReceiver,
  type ReceiverOptions,
} from '../../../src/platforms/telegram/receiver.ts';
import { Secret } from '../../../src/secret.ts';
import { startTelegramSimulator, type TelegramSimulator } from '../../fakes/telegram.ts';
import { collectingLog } from '../../support/collecting-log.ts';

export async function simulator(
  options: Parameters<typeof startTelegramSimulator>[0] = {},
): Promise<TelegramSimulator> {
  const telegram = await startTelegramSimulator(options);
  onTestFinished(() => telegram.close());
  return telegram;
}

export interface Receiving {
  readonly events: PlatformEvent[];
  readonly log: ReturnType<typeof collectingLog>;
  readonly receiver: ReturnType<typeof createTelegramReceiver>;
  start(): Promise<void>;
  texts(): string[];
}

/** @param handle what the core does with an event, before it counts as handled */
export function receiving(
  telegram: Pick<TelegramSimulator, 'url' | 'token'>,
  options: Partial<ReceiverOptions> = {},
  handle: (event: PlatformEvent) => Promise<void> = async () => {},
): Receiving {
  const events: PlatformEvent[] = [];
  const log = collectingLog();
  const receiver = createTelegramReceiver({
    api: createBotApi({ token: new Secret(telegram.token), apiRoot: telegram.url }),
    logger: log,
    retryMs: 20,
    conflictGraceMs: 0,
    ...options,
  });
  onTestFinished(() => receiver.stop());
  return {
    events,
    log,
    receiver,
    start: () =>
      receiver.start(async (event) => {
        await handle(event);
        events.push(event);
      }),
    texts: () => events.flatMap((event) => (event.type === 'message' ? [event.message.text] : [])),
  };
}
