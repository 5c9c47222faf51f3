/** The small commands: /start, /help, /privacy, /terms, /new, /stop. */

import type { Identities } from '../chat/identities.ts';
import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import { threadStart } from '../chat/thread-start.ts';
import type { Database } from '../db/client.ts';
import { and, desc, eq, inArray } from '../db/drizzle.ts';
import { deliveries, turns } from '../db/schema.ts';
import type { CancelCount, Mailbox } from '../queue/mailbox.ts';
import { generalText } from '../text/general.ts';
import type { Command, CommandContext } from './command.ts';

/** What the link of a voucher brings. */
const VOUCHER = /^redeem_([\w-]{1,57})$/i;

export function createStart(parts: {
  readonly facts: Omit<Parameters<typeof generalText.greeting>[0], 'keysByForm'>;
  readonly sender: (platform: PlatformName) => PlatformSender;
  /** Runs the command that a deep link names. @returns false where there is none of that name */
  readonly runLinked: (context: Parameters<Command['run']>[0]) => Promise<boolean>;
  readonly redeem: Pick<Command, 'run'>;
}): Command {
  return {
    name: 'start',
    description: 'What this is',
    where: 'everywhere',
    async run(context) {
      const code = VOUCHER.exec(context.argument)?.[1];
      if (context.chat.kind === 'direct' && code !== undefined) {
        return parts.redeem.run({ ...context, argument: code });
      }
      const linked = context.chat.kind === 'direct' && context.argument !== '';
      if (linked && (await parts.runLinked(context))) return;
      const { traits } = parts.sender(context.chat.platform);
      context.answer(
        generalText.greeting({ ...parts.facts, keysByForm: !traits.deletesDirectMessages }),
      );
    },
  };
}

export function createHelp({
  commands,
  sender,
}: {
  readonly commands: () => readonly Command[];
  readonly sender: (platform: PlatformName) => PlatformSender;
}): Command {
  return {
    name: 'help',
    description: 'What I can do',
    where: 'everywhere',
    run: async (context) => {
      const { kind, platform } = context.chat;
      // Where messages are kept from the bot, a command on one comes from that message's menu.
      const commandsReply = sender(platform).traits.showsQuoted === 'always';
      const where = platform === 'terminal' ? 'terminal' : kind;
      const { platformUserId } = context.sender;
      const shown = commands().filter(
        ({ isFor }) =>
          isFor === undefined || (kind === 'direct' && isFor({ platform, platformUserId })),
      );
      context.answer(generalText.help(shown, { where, commandsReply }));
    },
  };
}

/** @param markdown the whole text, the operator's own or the built-in one */
export function createPrivacy(markdown: string): Command {
  return {
    name: 'privacy',
    description: 'What is kept, and where words travel',
    where: 'everywhere',
    run: async (context) => context.answer({ markdown }),
  };
}

/** @param markdown as for {@link createPrivacy} */
export function createTerms(markdown: string): Command {
  return {
    name: 'terms',
    description: 'Who pays, and who is liable',
    where: 'everywhere',
    run: async (context) => context.answer({ markdown }),
  };
}

export function createNew({ identities }: { readonly identities: Identities }): Command {
  return {
    name: 'new',
    description: 'Start a new conversation',
    where: 'everywhere',
    async run(context) {
      await identities.newConversation(context.chat);
      context.answer(generalText.newConversation());
    },
  };
}

export function createStop(parts: {
  readonly db: Database;
  readonly identities: Identities;
  readonly mailbox: Mailbox;
}): Command {
  /** Whose answer carries the button; undefined: none that is known. */
  async function pressedTurn(chatIds: readonly number[], messageId: string | undefined) {
    if (messageId === undefined) return undefined;
    const [turn] = await parts.db
      .select({
        id: turns.id,
        userId: turns.userId,
        status: turns.status,
      })
      .from(turns)
      .innerJoin(deliveries, eq(deliveries.turnId, turns.id))
      .where(and(inArray(turns.chatId, [...chatIds]), eq(deliveries.messageId, messageId)))
      .orderBy(desc(turns.id))
      .limit(1);
    return turn;
  }

  /** The person's own question at which this thread was opened. */
  async function stopStart({ chat, userId }: CommandContext): Promise<CancelCount> {
    const start = await threadStart(parts.db, chat);
    if (start?.userId !== userId) return { running: 0, waiting: 0 };
    const scope = { turnId: start.turnId, chatIds: [start.chatId] };
    return parts.mailbox.cancel(scope, 'stopped');
  }

  const isOpen = ({ status }: Pick<typeof turns.$inferSelect, 'status'>) =>
    status === 'queued' || status === 'running';

  return {
    name: 'stop',
    description: 'Stop the answer',
    where: 'everywhere',
    async run(context) {
      const chat = await parts.identities.chatOf(context.chat);
      // An answer may stand in a thread of its own, below the chat in which it was asked for.
      const chatIds = await parts.identities.chatIds(context.chat);
      const pressed = await pressedTurn(chatIds, context.press?.messageId);
      if (pressed !== undefined && !isOpen(pressed)) {
        // It stayed below an answer that has ended where nothing could be changed any more.
        context.endButton();
        const notice = generalText.stopped(0, 0);
        context.answer(notice, notice.markdown);
        return;
      }
      if (pressed !== undefined && pressed.userId !== context.userId) {
        const notice = generalText.notYoursToStop();
        context.answer(notice, notice.markdown);
        return;
      }
      const scope =
        pressed === undefined
          ? { userId: context.userId, chatId: chat.id }
          : { turnId: pressed.id, chatIds };
      const counts = [await parts.mailbox.cancel(scope, 'stopped')];
      if (pressed === undefined) counts.push(await stopStart(context));
      const count = (what: 'running' | 'waiting') =>
        counts.reduce((sum, one) => sum + one[what], 0);
      if (count('running') + count('waiting') === 0) context.endButton();
      const notice = generalText.stopped(count('running'), count('waiting'));
      // Whoever pressed sees by the answer itself that it stops; to all others it is noise.
      context.answer(notice, context.press === undefined ? undefined : notice.markdown);
    },
  };
}
