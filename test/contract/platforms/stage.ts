/** A person in a chat with the bot, a core that writes down what it is told, and turns to answer. */

import { afterAll, beforeAll, onTestFinished, test, vi } from 'vitest';
import type { ButtonPress, IncomingMessage, PlatformEvent } from '../../../src/chat/message.ts';
import type { DeliveryLog, Reply } from '../../../src/chat/reply.ts';
import { createDeliveryLog } from '../../../src/conversation/delivery-log.ts';
import { type Claim, createMailbox } from '../../../src/queue/mailbox.ts';
import { turnFor, userWithChat } from '../../queue/turns.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import type { Ability, Platform, Seat } from './harness.ts';

export type Stage = ReturnType<typeof stageOf>;

export const until = <T>(condition: () => T) =>
  vi.waitUntil(condition, { timeout: 5000, interval: 2 });

/** Everything that the bot said and that stands. */
export const seen = (seat: Seat) => seat.visible().join('\n');
export const count = (seat: Seat, text: string) => seen(seat).split(text).length - 1;

export interface Turn {
  readonly turnId: number;
  readonly deliveries: DeliveryLog;
  /** Gives the turn to another attempt. @returns the delivery log as that one has it */
  takeOver(): Promise<DeliveryLog>;
}

/** To be called where tests are described: it opens a database for them, and closes it. */
export function durableTurns() {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  return async function newTurn(): Promise<Turn> {
    const { db } = database;
    const mailbox = createMailbox({ db, limit: 10 });
    const who = await userWithChat(db);
    await mailbox.accept(turnFor(who, 1));

    async function claim(): Promise<Claim> {
      const claimed = await mailbox.claim(who.userId, 'worker', 60_000);
      if (claimed === undefined) throw new Error('no turn to be had');
      return claimed;
    }

    let holder = await claim();
    return {
      turnId: holder.turnId,
      deliveries: createDeliveryLog(db, holder),
      async takeOver() {
        await mailbox.putBack(holder, 0);
        holder = await claim();
        return createDeliveryLog(db, holder);
      },
    };
  };
}

export function stageOf(platform: Platform, newTurn: () => Promise<Turn>) {
  /** A fact that some platforms have no way to keep or to break. */
  function needing(ability: Ability, name: string, fact: () => Promise<void>): void {
    const why = platform.lacks[ability];
    if (why === undefined) test(name, fact);
    else test.skip(`${name} [not applicable: ${why}]`, fact);
  }

  /** @param handle what the core does with an event, before it counts as handled */
  async function listen(handle: (event: PlatformEvent) => Promise<void> = async () => {}) {
    const seat = await platform.sit();
    const events: PlatformEvent[] = [];
    await seat.receiver.start(async (event) => {
      await handle(event);
      events.push(event);
    });
    const messages = (): IncomingMessage[] =>
      events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
    const presses = (): ButtonPress[] =>
      events.flatMap((event) => (event.type === 'button' ? [event.press] : []));
    async function hear(text: string): Promise<IncomingMessage> {
      const before = messages().length;
      await seat.say(text);
      return until(() => messages()[before]);
    }
    return { seat, events, messages, presses, hear };
  }

  /** Somebody asked, and is to be answered. */
  async function asked() {
    const { seat, hear, ...rest } = await listen();
    const question = await hear('why?');
    const turn = await newTurn();
    function open(sender = seat.sender, deliveries = turn.deliveries): Reply {
      const { chat, messageId, replyHandle } = question;
      const { turnId } = turn;
      const handle = replyHandle === undefined ? {} : { replyHandle };
      const reply = sender.openReply({ turnId, chat, replyTo: messageId, deliveries, ...handle });
      onTestFinished(() => reply.abandon());
      return reply;
    }
    /** The next attempt at the turn, in another process. */
    async function restart(): Promise<Reply> {
      return open(await seat.anotherSender(), await turn.takeOver());
    }
    return { seat, hear, question, turn, open, restart, ...rest };
  }

  return { platform, newTurn, needing, listen, asked };
}
