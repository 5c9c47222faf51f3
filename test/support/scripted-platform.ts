/**
 * A platform of a test's own, behind the same ports: it keeps messages that bots can't delete, shows
 * something to one person on request only, and answers by handles whose time can be over.
 */

import type {
  ButtonPress,
  ChatAddress,
  IncomingMessage,
  PlatformEvent,
} from '../../src/chat/message.ts';
import {
  type Button,
  type Notice,
  PlatformError,
  type PlatformReceiver,
  type PlatformSender,
} from '../../src/chat/platform.ts';
import type { Answer, Reply, ReplyTarget } from '../../src/chat/reply.ts';
import { waitFor } from './wait-for.ts';

export interface Shown {
  readonly id: string;
  readonly kind: 'notice' | 'edit' | 'answer';
  readonly chatId: string;
  readonly threadId: string | undefined;
  readonly markdown: string;
  readonly buttons: readonly Button[];
  /** Who alone sees it; undefined: whoever is in the chat. */
  readonly onlyFor: string | undefined;
  readonly replyHandle: string | undefined;
}

export interface ScriptedPlatform {
  readonly receiver: PlatformReceiver;
  readonly sender: PlatformSender;
  readonly shown: readonly Shown[];
  /** Handles whose time is over. */
  readonly expired: Set<string>;
  /** Messages that the bot was to delete. */
  readonly deletions: readonly string[];
  /** The pieces of an answer that are taken before its handle's time is over. */
  partsBeforeExpiry: number;
  /** Resolves when the core has it. */
  hears(event: PlatformEvent): Promise<void>;
  says(
    who: string,
    chat: ChatAddress,
    text: string,
    more?: Partial<IncomingMessage>,
  ): Promise<string>;
  presses(who: string, shown: Shown, label: string, more?: Partial<ButtonPress>): Promise<void>;
  /** Waits for something that the person would read. @returns the last that fits */
  reads(who: string, chat: ChatAddress, what: RegExp): Promise<Shown>;
  /** All that the person reads there. */
  seenBy(who: string, chat: ChatAddress): readonly Shown[];
}

export const direct = (who: string): ChatAddress => ({
  platform: 'discord',
  chatId: `dm-${who}`,
  kind: 'direct',
});
export const channel = (chatId: string, threadId?: string): ChatAddress => ({
  platform: 'discord',
  chatId,
  kind: 'group',
  ...(threadId === undefined ? {} : { threadId }),
});

export function createScriptedPlatform(): ScriptedPlatform {
  const shown: Shown[] = [];
  const expired = new Set<string>();
  const deletions: string[] = [];
  let handle: ((event: PlatformEvent) => Promise<void>) | undefined;
  let lastId = 1_000;
  const nextId = () => {
    lastId += 1;
    return String(lastId);
  };

  /** People are slower than this: nobody replies to an answer before it is known as sent. */
  const unrecorded = new Set<string>();

  function show(
    kind: Shown['kind'],
    chat: ChatAddress,
    { markdown, buttons }: Notice,
    more: { onlyFor?: string | undefined; replyHandle?: string | undefined } = {},
  ): string {
    const { replyHandle, onlyFor } = more;
    if (replyHandle !== undefined && expired.has(replyHandle)) {
      throw new PlatformError('expired', 'its time is over');
    }
    const id = nextId();
    shown.push({
      id,
      kind,
      chatId: chat.chatId,
      threadId: chat.threadId,
      markdown,
      buttons: (buttons ?? []).flat(),
      onlyFor,
      replyHandle,
    });
    return id;
  }

  function openReply({ chat, deliveries, replyHandle }: ReplyTarget): Reply {
    return {
      show() {},
      async finish({ markdown, note, buttons }: Answer) {
        const pieces = [...markdown.split('\n\n'), ...(note === undefined ? [] : [note])].filter(
          (piece) => piece !== '',
        );
        for (const [part, piece] of pieces.entries()) {
          const state = await deliveries.begin(part);
          if (state.state === 'sent') continue;
          if (replyHandle !== undefined && part >= platform.partsBeforeExpiry) {
            expired.add(replyHandle);
          }
          const isLast = part === pieces.length - 1;
          try {
            const notice = { markdown: piece, ...(isLast && buttons ? { buttons } : {}) };
            const id = show('answer', chat, notice, { replyHandle });
            unrecorded.add(id);
            await deliveries.sent(part, id);
            unrecorded.delete(id);
          } catch (error) {
            await deliveries.notSent(part);
            throw error;
          }
        }
      },
      async abandon() {},
    };
  }

  const platform: ScriptedPlatform = {
    shown,
    expired,
    deletions,
    partsBeforeExpiry: Number.POSITIVE_INFINITY,
    receiver: {
      name: 'discord',
      async start(given) {
        handle = given;
      },
      state: () => ({ ok: handle !== undefined }),
      async stop() {
        handle = undefined;
      },
    },
    sender: {
      name: 'discord',
      traits: {
        deletesDirectMessages: false,
        showsPrivately: 'on-request',
        showsQuoted: 'sometimes',
        groupConversation: 'replies',
        showsCommands: 'to-sender',
        maxFileBytes: 10 * 2 ** 20,
      },
      async notify({ chat, onlyFor, press, replyHandle, onSent }, notice) {
        const isAsked = press !== undefined || replyHandle !== undefined;
        const id = show('notice', chat, notice, {
          onlyFor: isAsked ? onlyFor?.platformUserId : undefined,
          replyHandle,
        });
        onSent?.(id);
        return id;
      },
      async editNotice(chat, _messageId, notice, replyHandle) {
        show('edit', chat, notice, { replyHandle });
      },
      async answerPress() {},
      async deleteMessage(chat, messageId) {
        deletions.push(messageId);
        return chat.kind === 'direct' ? 'refused' : 'deleted';
      },
      async deleteMessages(_chat, messageIds) {
        deletions.push(...messageIds);
        return messageIds.length;
      },
      openReply,
      async download() {
        throw new PlatformError('gone', 'no such file');
      },
      directChat: ({ platformUserId }) => direct(platformUserId),
    },
    async hears(event) {
      if (handle === undefined) throw new Error('nobody listens');
      await handle(event);
    },
    async says(who, chat, text, more = {}) {
      const messageId = more.messageId ?? nextId();
      await platform.hears({
        type: 'message',
        message: {
          chat,
          sender: { platformUserId: who, displayName: who },
          messageId,
          order: Number(nextId()),
          sentAt: new Date(),
          text,
          addressed: chat.kind === 'direct' ? 'direct' : 'mention',
          files: [],
          ...more,
        },
      });
      return messageId;
    },
    async presses(who, { id, buttons, chatId, threadId }, label, more = {}) {
      const button = buttons.find((one) => one.label === label);
      if (button === undefined || !('action' in button)) throw new Error(`no button ${label}`);
      const chat = chatId.startsWith('dm-') ? direct(who) : channel(chatId, threadId);
      await platform.hears({
        type: 'button',
        press: {
          chat,
          sender: { platformUserId: who, displayName: who },
          action: button.action,
          pressId: nextId(),
          messageId: id,
          ...more,
        },
      });
    },
    seenBy: (who, chat) =>
      shown.filter(
        (one) =>
          one.chatId === chat.chatId &&
          one.threadId === chat.threadId &&
          (one.onlyFor === undefined || one.onlyFor === who),
      ),
    reads: (who, chat, what) =>
      waitFor(() =>
        platform
          .seenBy(who, chat)
          .findLast((one) => what.test(one.markdown) && !unrecorded.has(one.id)),
      ).catch((error: unknown) => {
        const seen = JSON.stringify(platform.seenBy(who, chat).map((one) => one.markdown));
        throw new Error(`${who} did not read ${what}, but ${seen}`, { cause: error });
      }),
  };
  return platform;
}
