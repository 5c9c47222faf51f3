/** What Latchkey says in the terminal. */

import type { ChatAddress } from '../../chat/message.ts';
import { type Notice, PlatformError, type PlatformSender } from '../../chat/platform.ts';
import { terminalText } from '../../text/terminal.ts';
import type { Choices } from './choices.ts';
import type { InlineOptions } from './inline.ts';
import { renderMarkdown } from './markdown.ts';
import { openReply, type TerminalReply } from './reply.ts';
import { saveFile } from './save-file.ts';
import { failWhenGone, type Screen } from './screen.ts';
import { BLANK, type Line, line, span } from './style.ts';

export interface SenderDependencies {
  readonly chat: ChatAddress;
  readonly screen: Screen;
  readonly choices: Choices;
  readonly markdown: InlineOptions;
  now(): number;
  nextId(): string;
  /** Where files are put. */
  readonly directory: string;
  /** What the user sent and how it was shown; undefined when that is long ago. */
  echo(messageId: string): Echo | undefined;
  replyOpened(reply: TerminalReply): void;
  /** Of several answers at once, the newest grows in the window; the others are printed in the end. */
  isShown(reply: TerminalReply): boolean;
  replyClosed(reply: TerminalReply): void;
}

export interface Echo {
  /** Owns what was printed of the message. */
  readonly owner: object;
  /** Takes the message out of the history of what was typed. */
  forget(): void;
}

/** Notices that may still be edited or erased; older ones scrolled away. */
const KEPT_NOTICES = 50;

export function createSender(dependencies: SenderDependencies): PlatformSender {
  const { chat, screen, choices } = dependencies;
  const notices = new Map<string, { owner: object; notice: Notice }>();

  function print(messageId: string, notice: Notice): void {
    failWhenGone(screen);
    const owner = {};
    const body = renderMarkdown(notice.markdown, dependencies.markdown);
    const buttons = notice.buttons ? choices.offer(messageId, notice.buttons) : [];
    const lines: Line[] = buttons.length === 0 ? body : [...body, BLANK, ...buttons];
    screen.print(owner, [BLANK, ...lines]);
    notices.set(messageId, { owner, notice });
    const oldest = notices.keys().next();
    if (notices.size > KEPT_NOTICES && oldest.done !== true) notices.delete(oldest.value);
  }

  return {
    name: 'terminal',
    traits: {
      deletesDirectMessages: true,
      showsPrivately: 'at-once',
      showsQuoted: 'always',
      groupConversation: 'chat',
      showsCommands: 'to-all',
      maxFileBytes: Number.POSITIVE_INFINITY,
    },

    async notify({ onSent }, notice) {
      const messageId = dependencies.nextId();
      onSent?.(messageId);
      print(messageId, notice);
      if (notice.file !== undefined && notice.file.picture === undefined) {
        const path = await saveFile(dependencies.directory, notice.file);
        screen.print({}, [
          BLANK,
          ...renderMarkdown(terminalText.saved(path), dependencies.markdown),
        ]);
      }
      return messageId;
    },

    async editNotice(_chat, messageId, notice) {
      const known = notices.get(messageId);
      if (known && JSON.stringify(known.notice) === JSON.stringify(notice)) return;
      choices.withdraw(messageId);
      const onlyButtonsGo =
        known?.notice.markdown === notice.markdown && (notice.buttons ?? []).length === 0;
      if (known && !screen.erase(known.owner) && onlyButtonsGo) return;
      notices.delete(messageId);
      print(messageId, notice);
    },

    async answerPress(_press, text) {
      if (text !== undefined && text !== '') screen.print({}, [BLANK, line(span(text, 'dim'))]);
    },

    async deleteMessage(_chat, messageId) {
      const echo = dependencies.echo(messageId);
      echo?.forget();
      choices.withdraw(messageId);
      const owner = echo?.owner ?? notices.get(messageId)?.owner;
      return owner !== undefined && screen.erase(owner) ? 'deleted' : 'refused';
    },

    async deleteMessages(_chat, messageIds) {
      const gone = messageIds.filter((messageId) => {
        choices.withdraw(messageId);
        const owner = notices.get(messageId)?.owner;
        return owner !== undefined && screen.erase(owner);
      });
      return gone.length;
    },

    openReply(target) {
      const reply = openReply(target, { ...dependencies, closed: dependencies.replyClosed });
      dependencies.replyOpened(reply);
      return reply;
    },

    async download() {
      throw new PlatformError('gone', 'messages of the terminal have no files');
    },

    directChat: () => chat,
  };
}
