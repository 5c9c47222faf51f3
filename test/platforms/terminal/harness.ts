/** A terminal with a person at it, and a core that only writes down what it is told. */

import { PassThrough, type Writable } from 'node:stream';
import { vi } from 'vitest';
import type {
  ButtonPress,
  ChatAddress,
  IncomingMessage,
  PlatformEvent,
} from '../../../src/chat/message.ts';
import type { DeliveryLog, DeliveryState } from '../../../src/chat/reply.ts';
import { createTerminal, type TerminalOptions } from '../../../src/platforms/terminal/terminal.ts';
import type { Window } from './window.ts';

export const CHAT: ChatAddress = { platform: 'terminal', chatId: 'terminal', kind: 'direct' };

export class Keyboard extends PassThrough {
  readonly isTTY = true;
  readonly rawModes: boolean[] = [];

  setRawMode(mode: boolean): this {
    this.rawModes.push(mode);
    return this;
  }
}

export interface Log extends DeliveryLog {
  readonly calls: string[];
}

export function deliveryLog(state: DeliveryState = { state: 'new' }): Log {
  const calls: string[] = [];
  return {
    calls,
    async begin(part) {
      calls.push(`begin ${part}`);
      return state;
    },
    async sent(part) {
      calls.push(`sent ${part}`);
    },
    async notSent(part) {
      calls.push(`notSent ${part}`);
    },
  };
}

export async function sitDown<Output extends Window | Writable>(
  output: Output,
  options: Partial<TerminalOptions> = {},
) {
  const keyboard = new Keyboard();
  const events: PlatformEvent[] = [];
  const onExit = vi.fn();
  const { receiver, sender } = createTerminal({
    input: keyboard,
    output,
    onExit,
    timeZone: 'UTC',
    ...options,
  });
  await receiver.start(async (event) => {
    events.push(event);
  });
  const type = (keys: string) => {
    keyboard.write(keys);
  };
  return {
    keyboard,
    output,
    receiver,
    sender,
    events,
    onExit,
    type,
    messages: (): IncomingMessage[] =>
      events.flatMap((event) => (event.type === 'message' ? [event.message] : [])),
    presses: (): ButtonPress[] =>
      events.flatMap((event) => (event.type === 'button' ? [event.press] : [])),
    say: async (markdown: string) => sender.notify({ chat: CHAT }, { markdown }),
    reply: (deliveries: DeliveryLog = deliveryLog(), turnId = 1) =>
      sender.openReply({ turnId, chat: CHAT, replyTo: '1', deliveries }),
  };
}
