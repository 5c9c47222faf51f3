/**
 * Takes in whatever platforms report. First come pasted API keys, before anything else sees the
 * text; then a command, a message for the bot, or neither. When it resolves, what came in is
 * durable and may be acknowledged; when it throws, the platform is to send it again.
 */

import type { SetKey } from '../commands/setkey.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Audit } from '../keys/audit.ts';
import { detectKeys } from '../keys/detection.ts';
import { type Log, serializeError } from '../log.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { generalText } from '../text/general.ts';
import { keysText } from '../text/keys.ts';
import { sealedText } from '../text/sealed.ts';
import type { CommandRunner } from './command-runner.ts';
import { createFullMailboxNotices } from './full-mailbox-notices.ts';
import type { Identities } from './identities.ts';
import type { ChatAddress, IncomingMessage, PlatformEvent } from './message.ts';
import type { PlatformSender } from './platform.ts';
import { TURN_TEXT_LIMIT } from './turn-input.ts';
import type { TurnIntake } from './turn-intake.ts';

export interface IntakeParts {
  readonly identities: Identities;
  readonly turnIntake: TurnIntake;
  readonly commands: CommandRunner;
  readonly setKey: SetKey;
  readonly audit: Pick<Audit, 'record'>;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
  readonly sender: (platform: ChatAddress['platform']) => PlatformSender;
  readonly mailboxLimit: number;
  readonly log: Log;
}

export type Intake = (event: PlatformEvent) => Promise<void>;

export function createIntake(parts: IntakeParts): Intake {
  const { identities, turnIntake, commands, setKey, mailbox, wakeups } = parts;
  const fullMailboxes = createFullMailboxNotices(parts.mailboxLimit);

  const noteExposed = (userId: number, { platform, kind }: ChatAddress) =>
    parts.audit.record({
      action: 'key.exposed',
      actor: 'system',
      userId,
      platform,
      detail: { chat: kind },
    });

  /** A key where none belongs: gone where possible, kept nowhere, its owner warned. */
  async function removeExposedKey(message: IncomingMessage, userId: number): Promise<void> {
    await commands.once(message, 'key', userId, async (context) => {
      const sender = parts.sender(message.chat.platform);
      const deleted = (await sender.deleteMessage(message.chat, message.messageId)) === 'deleted';
      await noteExposed(userId, message.chat);
      const notice = keysText.exposed(deleted);
      context.answer(notice, notice.markdown);
    });
  }

  async function takeMessage(message: IncomingMessage): Promise<void> {
    const inGroup = message.chat.kind === 'group';
    const isSetKey = message.command?.name === 'setkey';
    const whole = [
      message.command?.argument ?? '',
      message.text,
      ...message.files.map((f) => f.name),
    ];
    const holdsKey = detectKeys(whole.join('\n')).length > 0;
    if (inGroup && message.addressed === 'none' && !holdsKey) return;

    const [userId, isKeyAwaited] = await Promise.all([
      identities.userOf(message.chat.platform, message.sender.platformUserId),
      setKey.isAwaited(message.chat, message.sender),
    ]);
    if (inGroup && (holdsKey || isSetKey)) {
      if (holdsKey || (message.command?.argument ?? '') !== '') {
        await removeExposedKey(message, userId);
      } else {
        await commands.once(message, 'command', userId, async (context) => {
          const notice = keysText.onlyInPrivate();
          context.answer(notice, notice.markdown);
        });
      }
      return;
    }

    const { command } = message;
    if (command !== undefined && command.name !== 'ask' && (isSetKey || !holdsKey)) {
      await commands.once(message, isSetKey ? 'key' : 'command', userId, async (context) => {
        const known = await commands.run(command.name, context);
        if (!known && !inGroup) context.answer(generalText.unknownCommand(command.name));
      });
      return;
    }
    if (isKeyAwaited) {
      await commands.once(message, 'key', userId, (context) =>
        setKey.takeAwaited(context, [message.text, command?.argument ?? ''].join(' ').trim()),
      );
      return;
    }
    if (holdsKey) {
      // A caption, a file's name or a forward is nobody's way of handing over a key.
      if (message.files.length > 0 || message.forwardedFrom !== undefined) {
        await removeExposedKey(message, userId);
      } else {
        await commands.once(message, 'key', userId, async (context) => {
          await setKey.takePasted(context, whole.join('\n'));
        });
      }
      return;
    }
    await takeTurn(
      command === undefined ? message : { ...message, text: command.argument },
      userId,
    );
  }

  /** The message that was replied to holds a key: that goes nowhere (`TurnIntake` takes it out), and goes away where it can. */
  async function removeQuotedKey({ chat, quoted }: IncomingMessage): Promise<void> {
    if (quoted === undefined || detectKeys(quoted.text).length === 0) return;
    const sender = parts.sender(chat.platform);
    const deleted = (await sender.deleteMessage(chat, quoted.messageId)) === 'deleted';
    sender
      .notify({ chat }, keysText.exposedByQuoted(deleted))
      .catch((error: unknown) => parts.log.warn({ error: serializeError(error) }, 'a notice'));
  }

  async function takeTurn(message: IncomingMessage, userId: number): Promise<void> {
    const refuse = (notice: ReturnType<typeof generalText.nothingToRead>) =>
      commands.once(message, 'refused', userId, async (context) => {
        context.answer(notice, notice.markdown);
      });

    const empty =
      message.text.trim() === '' && message.files.length === 0 && message.quoted === undefined;
    if (empty) {
      await refuse(
        message.command === undefined ? generalText.nothingToRead() : generalText.askWhat(),
      );
      return;
    }
    const chat = await identities.chatOf(message.chat);
    const taken = await turnIntake.accept(message, userId, chat).catch((error: unknown) => {
      if (isRingIncomplete(error)) return { result: 'sealed' } as const;
      throw error;
    });
    switch (taken.result) {
      case 'accepted':
      case 'merged': {
        await removeQuotedKey(message);
        const waitMs = taken.result === 'merged' ? taken.waitMs : (message.merge?.waitMs ?? 0);
        if (waitMs === 0) await wakeups.wake(userId);
        else setTimeout(() => void wakeups.wake(userId), waitMs + 20);
        break;
      }
      case 'duplicate':
        break;
      case 'full':
        await commands.once(message, 'refused', userId, async (context) =>
          fullMailboxes.tell(context),
        );
        break;
      case 'sealed':
        await commands.once(message, 'refused', userId, async (context) => {
          context.answer(sealedText.lost(), sealedText.lostInGroup());
        });
        break;
      case 'too-long':
        await refuse(generalText.tooLong(TURN_TEXT_LIMIT));
        break;
      case 'key': {
        const sender = parts.sender(message.chat.platform);
        let deleted = true;
        for (const id of taken.messageIds) {
          if ((await sender.deleteMessage(message.chat, id)) !== 'deleted') deleted = false;
        }
        await noteExposed(userId, message.chat);
        await sender.notify({ chat: message.chat }, keysText.exposed(deleted));
        break;
      }
    }
  }

  async function takeEdit(message: IncomingMessage): Promise<void> {
    const text = [message.command?.argument ?? '', message.text].join('\n');
    const holdsKey = detectKeys(text).length > 0;
    if (message.addressed === 'none' && !holdsKey) return;
    const userId = await identities.userOf(message.chat.platform, message.sender.platformUserId);
    if (holdsKey) {
      const chat = await identities.chatOf(message.chat);
      await turnIntake.cancel(message, chat, 'key');
      const edited = { ...message, messageId: `${message.messageId}#edit` };
      await commands.once(edited, 'key', userId, async (context) => {
        const sender = parts.sender(message.chat.platform);
        const deleted = (await sender.deleteMessage(message.chat, message.messageId)) === 'deleted';
        await noteExposed(userId, message.chat);
        const notice = keysText.exposed(deleted);
        context.answer(notice, notice.markdown);
      });
      return;
    }
    const isAsk = message.command?.name === 'ask';
    if (message.command !== undefined && !isAsk) return;
    await turnIntake
      .edit(isAsk ? { ...message, text: message.command?.argument ?? '' } : message, userId)
      .catch((error: unknown) => {
        // Its turn says so when it is run.
        if (!isRingIncomplete(error)) throw error;
      });
  }

  return async (event) => {
    switch (event.type) {
      case 'message':
        await takeMessage(event.message);
        break;
      case 'edit':
        await takeEdit(event.message);
        break;
      case 'button': {
        const { press } = event;
        const userId = await identities.userOf(press.chat.platform, press.sender.platformUserId);
        await commands.press(press, userId);
        break;
      }
      case 'stop': {
        const { turnId } = event;
        const { id } = await identities.chatOf(event.chat);
        const scope = turnId === undefined ? { chatIds: [id] } : { turnId, chatIds: [id] };
        await mailbox.cancel(scope, 'stopped');
        break;
      }
      case 'migrated':
        await identities.migrate(event.from, event.to);
        break;
      case 'closed': {
        const chatIds = await identities.chatIds(event.chat);
        if (chatIds.length > 0) await mailbox.cancel({ chatIds }, 'closed');
        break;
      }
    }
  };
}
