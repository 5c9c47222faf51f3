/** Carries out commands and presses, each once, and tells the user when one fails. */

import type { Command, CommandContext } from '../commands/command.ts';
import type { Database } from '../db/client.ts';
import { and, eq, isNull, lt, ne, sql } from '../db/drizzle.ts';
import { inbox } from '../db/schema.ts';
import { type Log, serializeError } from '../log.ts';
import { generalText } from '../text/general.ts';
import { directChatButtons, RUN_ACTION } from './buttons.ts';
import type { ButtonPress, ChatAddress, IncomingMessage, Sender } from './message.ts';
import { type Notice, PlatformError, type PlatformSender } from './platform.ts';
import type { PrivateNotices } from './private-notices.ts';

/** What a command or press came from. */
export interface CommandSource {
  readonly chat: ChatAddress;
  readonly sender: Sender;
  readonly userId: number;
  readonly messageId?: string;
  readonly press?: ButtonPress;
  readonly replyHandle?: string;
  readonly leavesNoMessage?: true;
  readonly answeredPrivately?: true;
}

export interface CommandRunner {
  /** Runs `work` for a message unless it was carried out before. */
  once(
    message: IncomingMessage,
    outcome: 'command' | 'key' | 'refused',
    userId: number,
    work: (context: CommandContext) => Promise<void>,
  ): Promise<void>;
  /** Runs the command of a pressed button. */
  press(press: ButtonPress, userId: number): Promise<void>;
  /** Runs the named command. @returns false where there is none */
  run(name: string, context: CommandContext): Promise<boolean>;
  /** Runs what a deep link or a `run:` button names: `consent-12` is command `consent` with `12`. */
  runLinked(context: CommandContext): Promise<boolean>;
  /**
   * Tells people whose command, or whose refusal, a process that died had begun, and which has shown
   * no sign of life for five seconds: what is younger may come again, or be at work elsewhere.
   */
  tellInterrupted(): Promise<void>;
  /** Resolves when all work that was put off has ended. */
  settled(): Promise<void>;
}

interface RunningContext extends CommandContext {
  /** Resolves when everything that was begun has ended. */
  done(): Promise<void>;
}

/** How often a process says that it is still at its commands, in milliseconds. */
const SIGN_OF_LIFE_MS = 2_000;

/** Anybody can make up a link: it names a row at most (a number or a UUID), never a code or a key. */
const ROW = /^(\d{1,16}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/;

export function createCommandRunner({
  db,
  commands,
  sender,
  privateNotices,
  processId,
  signOfLifeMs = SIGN_OF_LIFE_MS,
  log,
}: {
  readonly db: Database;
  /** All that there are. */
  readonly commands: () => readonly Command[];
  readonly sender: (platform: ChatAddress['platform']) => PlatformSender;
  readonly privateNotices: PrivateNotices;
  /** Another one at each start. */
  readonly processId: string;
  readonly signOfLifeMs?: number;
  readonly log: Log;
}): CommandRunner {
  const under = new Set<Promise<unknown>>();
  /** By message: a redelivery waits for the first delivery's work. */
  const inFlight = new Map<string, Promise<void>>();

  /**
   * For /forget, which deletes it on the platform: not of somebody who is forgotten by now. That it
   * can't be noted must not say that nothing was sent.
   */
  async function remember(
    { chat, userId }: CommandSource,
    messageIds: readonly string[],
  ): Promise<void> {
    if (messageIds.length === 0) return;
    const noting = db.execute(sql`
      insert into sent_notices (platform, platform_chat_id, message_id)
      select ${chat.platform}, ${chat.chatId}, sent.id
      from users, jsonb_array_elements_text(${JSON.stringify(messageIds)}::text::jsonb) as sent (id)
      where users.id = ${userId} for key share of users
      on conflict do nothing`);
    await noting.catch((error: unknown) =>
      log.warn({ error: serializeError(error) }, 'noting a notice'),
    );
  }

  function contextOf(source: CommandSource, argument: string): RunningContext {
    const platform = sender(source.chat.platform);
    const inGroup = source.chat.kind === 'group';
    const { replyHandle } = source;
    const handle = replyHandle === undefined ? {} : { replyHandle };
    const lasts = !inGroup && source.answeredPrivately === undefined;
    const work = new Set<Promise<unknown>>();
    let said: Promise<unknown> = Promise.resolve();

    function put<T>(promise: Promise<T>): Promise<T> {
      work.add(promise);
      under.add(promise);
      void promise.finally(() => {
        work.delete(promise);
        under.delete(promise);
      });
      return promise;
    }

    function here(notice: Notice): Notice {
      if (notice.buttons === undefined) return notice;
      return { ...notice, buttons: directChatButtons(source.chat.kind, notice.buttons) };
    }

    /** The command did its work: that its words do not arrive must not run it again. */
    async function send(notice: Notice, publicMarkdown?: string): Promise<string | undefined> {
      const sent: string[] = [];
      try {
        return await privateNotices.send(
          {
            chat: source.chat,
            onSent: (messageId) => sent.push(messageId),
            ...(source.messageId === undefined || !inGroup ? {} : { replyTo: source.messageId }),
            ...(source.press === undefined ? {} : { press: source.press }),
            ...handle,
            ...(inGroup && publicMarkdown !== undefined
              ? { onlyFor: { platformUserId: source.sender.platformUserId, publicMarkdown } }
              : {}),
          },
          here(notice),
          source.userId,
        );
      } catch (error) {
        log.warn({ error: serializeError(error) }, 'a notice could not be sent');
        // What one person has to know reaches them elsewhere, where the bot may not write here.
        const isFinal = error instanceof PlatformError && !error.retryable;
        return isFinal && inGroup && publicMarkdown !== undefined
          ? await sendInDirectChat(notice)
          : undefined;
      } finally {
        // Also of a notice of which only the beginning could be sent.
        if (lasts) await remember(source, sent);
      }
    }

    async function sendInDirectChat(notice: Notice): Promise<undefined> {
      const buttons = directChatButtons('direct', notice.buttons ?? []);
      try {
        await platform.notify({ chat: platform.directChat(source.sender) }, { ...notice, buttons });
      } catch (error) {
        log.warn({ error: serializeError(error) }, 'nor in the direct chat');
      }
    }

    function inOrder<T>(begin: () => Promise<T>): Promise<T> {
      const next = said.then(begin);
      said = next;
      return put(next);
    }

    return {
      ...source,
      argument,
      answer: (notice, publicMarkdown) => void inOrder(() => send(notice, publicMarkdown)),
      post: (notice) => inOrder(() => send(notice)),
      replace: (notice, messageId = source.press?.messageId) => {
        void inOrder(async () => {
          if (messageId === undefined) return send(notice);
          const below: string[] = [];
          try {
            await platform.editNotice(source.chat, messageId, here(notice), replyHandle, (id) =>
              below.push(id),
            );
            return messageId;
          } catch (error) {
            log.warn({ error: serializeError(error) }, 'a notice could not be edited');
            return await send(notice);
          } finally {
            if (lasts) await remember(source, below);
          }
        });
      },
      endButton: () => {
        const { press } = source;
        if (press !== undefined) void put(platform.answerPress(press, undefined, true));
      },
      later: (begin) => {
        void put(
          begin().catch(async (error: unknown) => {
            log.error({ error: serializeError(error) }, 'a command failed');
            await send(generalText.failed());
          }),
        );
      },
      done: async () => {
        while (work.size > 0) await Promise.all(work);
      },
    };
  }

  function find(name: string, { chat, sender: { platformUserId } }: CommandSource) {
    const command = commands().find((one) => one.name === name);
    const isFor = command?.isFor?.({ platform: chat.platform, platformUserId }) ?? true;
    return isFor ? command : undefined;
  }

  async function run(name: string, context: CommandContext): Promise<boolean> {
    const command = find(name, context);
    if (command === undefined) return false;
    if (command.where === 'direct' && context.chat.kind === 'group') {
      await command.misplaced?.(context);
      const notice: Notice = generalText.onlyInDirectChat(name);
      context.answer(notice, notice.markdown);
    } else {
      await command.run(context);
    }
    return true;
  }

  async function runLinked(context: CommandContext): Promise<boolean> {
    const [name = '', ...rest] = context.argument.split('-');
    const row = rest.join('-');
    return run(name, { ...context, argument: ROW.test(row) ? row : '' });
  }

  const key = (message: IncomingMessage) => ({
    platform: message.chat.platform,
    platformChatId: message.chat.chatId,
    messageId: message.messageId,
  });
  const at = (message: IncomingMessage) =>
    and(
      eq(inbox.platform, message.chat.platform),
      eq(inbox.platformChatId, message.chat.chatId),
      eq(inbox.messageId, message.messageId),
    );

  /** @returns false where the message was carried out, or is a turn */
  async function begin(
    message: IncomingMessage,
    outcome: 'command' | 'key' | 'refused',
  ): Promise<boolean> {
    const begun = await db
      .insert(inbox)
      .values({
        ...key(message),
        threadId: message.chat.threadId ?? '',
        chatKind: message.chat.kind,
        outcome,
        handler: processId,
      })
      .onConflictDoUpdate({
        target: [inbox.platform, inbox.platformChatId, inbox.messageId],
        set: { handler: processId },
        setWhere: sql`${inbox.handledAt} is null and ${inbox.turnId} is null`,
      })
      .returning({ messageId: inbox.messageId });
    return begun.length > 0;
  }

  /** What takes long is not taken for interrupted by another process that starts meanwhile. */
  function keepAlive(message: IncomingMessage): NodeJS.Timeout {
    const say = () =>
      db
        .update(inbox)
        .set({ receivedAt: sql`now()` })
        .where(and(at(message), eq(inbox.handler, processId), isNull(inbox.handledAt)))
        .catch((error: unknown) => log.warn({ error: serializeError(error) }, 'inbox'));
    return setInterval(() => void say(), signOfLifeMs).unref();
  }

  return {
    run,
    runLinked,

    async once(message, outcome, userId, work) {
      const id = JSON.stringify(key(message));
      const before = inFlight.get(id);
      if (before !== undefined) return before;
      // Until all of it has ended, what was put off too: a redelivery in between is the same message.
      let ended: Promise<void> = Promise.resolve();
      let alive: NodeJS.Timeout | undefined;
      const carriedOut = (async () => {
        if (!(await begin(message, outcome))) return;
        alive = keepAlive(message);
        const context = contextOf(
          {
            chat: message.chat,
            sender: message.sender,
            userId,
            messageId: message.messageId,
            ...(message.replyHandle === undefined ? {} : { replyHandle: message.replyHandle }),
            ...(message.leavesNoMessage === undefined ? {} : { leavesNoMessage: true }),
            ...(message.answeredPrivately === undefined ? {} : { answeredPrivately: true }),
          },
          message.command?.argument ?? '',
        );
        await work(context);
        const finished = context
          .done()
          .then(async () => {
            await db.update(inbox).set({ handledAt: new Date() }).where(at(message));
          })
          .catch((error: unknown) => log.error({ error: serializeError(error) }, 'inbox'))
          .finally(() => under.delete(finished));
        under.add(finished);
        ended = finished;
      })();
      inFlight.set(id, carriedOut);
      try {
        await carriedOut;
      } finally {
        void ended.then(() => {
          clearInterval(alive);
          inFlight.delete(id);
        });
      }
    },

    async press(press, userId) {
      const [name = '', ...rest] = press.action.split(':');
      const argument = rest.join(':');
      await sender(press.chat.platform).answerPress(press);
      const context = contextOf(
        {
          chat: press.chat,
          sender: press.sender,
          userId,
          press,
          ...(press.replyHandle === undefined ? {} : { replyHandle: press.replyHandle }),
        },
        argument,
      );
      if (press.action.startsWith(RUN_ACTION)) {
        await runLinked({ ...context, argument });
      } else {
        await find(name, context)?.press?.(context);
      }
    },

    async tellInterrupted() {
      const minutes = sql`now() - interval '1 hour'`;
      const left = await db
        .update(inbox)
        .set({ handledAt: new Date() })
        .where(
          and(
            isNull(inbox.turnId),
            isNull(inbox.handledAt),
            ne(inbox.handler, processId),
            lt(inbox.receivedAt, sql`now() - interval '5 seconds'`),
            sql`${inbox.receivedAt} > ${minutes}`,
          ),
        )
        .returning();
      // Refusals of one person were to be told together.
      const told = new Map(
        left.map((row) => [
          JSON.stringify([
            row.platform,
            row.platformChatId,
            (row.outcome === 'refused' && row.chatKind === 'direct') || row.messageId,
          ]),
          row,
        ]),
      );
      for (const row of told.values()) {
        const platform = row.platform as ChatAddress['platform'];
        const chat = {
          platform,
          chatId: row.platformChatId,
          kind: row.chatKind,
          ...(row.threadId === '' ? {} : { threadId: row.threadId }),
        };
        try {
          await sender(platform).notify(
            // In a group a reply says who is meant.
            { chat, ...(row.chatKind === 'direct' ? {} : { replyTo: row.messageId }) },
            row.outcome === 'refused'
              ? generalText.interruptedRefusal()
              : generalText.interruptedCommand(),
          );
        } catch (error) {
          // Also where its platform is turned off by now: the others are told all the same.
          log.warn({ error: serializeError(error) }, 'notice');
        }
      }
    },

    async settled() {
      while (under.size > 0) await Promise.allSettled(under);
    },
  };
}
