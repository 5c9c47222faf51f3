/**
 * Takes in whatever platforms report. First come pasted API keys, before anything else sees the
 * text; then a command, a message for the bot, or neither. When it resolves, what came in is
 * durable and may be acknowledged; when it throws, the platform is to send it again.
 */

import type { CommandContext } from '../commands/command.ts';
import { FORGET_ACTION } from '../commands/forget.ts';
import type { SetKey } from '../commands/setkey.ts';
import { isRingIncomplete } from '../keys/afresh.ts';
import type { Audit } from '../keys/audit.ts';
import { detectKeys } from '../keys/detection.ts';
import { type Log, serializeError } from '../log.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import type { Wakeups } from '../queue/wakeups.ts';
import { codeHelpQuestion, isCodeHelp } from '../text/code-help.ts';
import { forgetText } from '../text/forget.ts';
import { generalText } from '../text/general.ts';
import { keysText, type MessageWithKey } from '../text/keys.ts';
import { sealedText } from '../text/sealed.ts';
import type { ChatGate } from './chat-gate.ts';
import type { ClosedPlaces } from './closed-places.ts';
import type { CommandRunner } from './command-runner.ts';
import { createFullMailboxNotices } from './full-mailbox-notices.ts';
import type { ChatRow, Identities, Person } from './identities.ts';
import type { ChatAddress, IncomingMessage, PlatformEvent, QuotedMessage } from './message.ts';
import type { Deletion, Notice, PlatformSender } from './platform.ts';
import { TURN_TEXT_LIMIT } from './turn-input.ts';
import type { TurnIntake } from './turn-intake.ts';

export interface IntakeParts {
  readonly identities: Identities;
  readonly turnIntake: TurnIntake;
  readonly commands: CommandRunner;
  readonly closedPlaces: Pick<ClosedPlaces, 'close'>;
  readonly gate: ChatGate;
  readonly setKey: SetKey;
  readonly audit: Pick<Audit, 'record'>;
  readonly mailbox: Mailbox;
  readonly wakeups: Wakeups;
  readonly sender: (platform: ChatAddress['platform']) => PlatformSender;
  readonly log: Log;
}

export type Intake = (event: PlatformEvent) => Promise<void>;

export function createIntake(parts: IntakeParts): Intake {
  const { identities, turnIntake, commands, setKey, mailbox, wakeups } = parts;
  const fullMailboxes = createFullMailboxNotices();

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
      const removed = await removeMessage(message);
      await noteExposed(userId, message.chat);
      warn(context, keysText.exposed(removed));
    });
  }

  /** Tells somebody in a group about a key, which others hear of only where they must. */
  function warn(context: CommandContext, notice: Notice): void {
    const { showsPrivately } = parts.sender(context.chat.platform).traits;
    // A warning that can be shown to nobody but all is better than none; a button is as good.
    const shown = showsPrivately === 'at-once' ? notice : generalText.forYouAlone();
    context.answer(notice, shown.markdown);
  }

  async function removeMessage(message: IncomingMessage): Promise<MessageWithKey> {
    if (message.leavesNoMessage === true) return 'none';
    return parts.sender(message.chat.platform).deleteMessage(message.chat, message.messageId);
  }

  async function takeMessage(message: IncomingMessage): Promise<void> {
    const inGroup = message.chat.kind === 'group';
    const isSetKey = message.command?.name === 'setkey';
    const whole = wordsOf(message);
    const holdsKey = detectKeys(whole).length > 0;
    if (inGroup && message.addressed === 'none' && !holdsKey) return;

    const known = await identities.know(message.sender, message.chat);
    const { person, isKeyAwaited } = known;
    const { userId } = person;
    if (inGroup && (holdsKey || isSetKey)) {
      if (holdsKey || (message.command?.argument ?? '') !== '') {
        await removeExposedKey(message, userId);
      } else {
        await commands.once(message, 'command', userId, async (context) => {
          warn(context, keysText.onlyInPrivate());
        });
      }
      return;
    }

    const { command } = message;
    const isQuestion =
      command !== undefined && (command.name === 'ask' || isCodeHelp(command.name));
    if (command !== undefined && !isQuestion && (isSetKey || !holdsKey)) {
      await commands.once(message, isSetKey ? 'key' : 'command', userId, async (context) => {
        const known = await commands.run(command.name, context);
        if (known || (inGroup && message.answeredPrivately !== true)) return;
        const notice = generalText.unknownCommand(command.name);
        context.answer(notice, notice.markdown);
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
          await setKey.takePasted(context, whole);
        });
      }
      return;
    }
    await takeTurn(
      command === undefined ? message : { ...message, text: questionOf(command) },
      person,
      known.chat,
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

  async function takeTurn(
    message: IncomingMessage,
    person: Person,
    knownChat?: ChatRow,
  ): Promise<void> {
    const { userId } = person;
    const refuse = (notice: ReturnType<typeof generalText.nothingToRead>) =>
      commands.once(message, 'refused', userId, async (context) => {
        context.answer(notice, notice.markdown);
      });

    const refusal = refusalOf(message);
    if (refusal !== undefined) {
      await refuse(refusal);
      return;
    }
    const chat = knownChat ?? (await identities.chatOf(message.chat));
    const admitted = await parts.gate.check(message, chat.rules);
    if (admitted !== 'admitted') {
      if (admitted !== 'silence') await refuse(admitted);
      return;
    }
    const taken = await turnIntake.accept(message, person, chat).catch((error: unknown) => {
      if (isRingIncomplete(error)) return { result: 'sealed' } as const;
      throw error;
    });
    switch (taken.result) {
      case 'accepted':
      case 'merged': {
        await removeQuotedKey(message);
        const waitMs = taken.result === 'merged' ? taken.waitMs : (message.merge?.waitMs ?? 0);
        if (waitMs > 0) setTimeout(() => void wakeups.wake(userId), waitMs + 20);
        else if (taken.result === 'merged' || !taken.isBehindOthers) await wakeups.wake(userId);
        break;
      }
      case 'duplicate':
        break;
      case 'moved':
        // Linked or separated in this moment: it is the other user's turn.
        await takeTurn(
          message,
          await identities.personOf(message.chat.platform, message.sender.platformUserId),
        );
        break;
      case 'full':
        await commands.once(message, 'refused', userId, async (context) =>
          fullMailboxes.tell(context, taken.limit),
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
      case 'key':
        await removePieces(message.chat, taken.messageIds, userId);
        break;
    }
  }

  async function removePieces(
    chat: ChatAddress,
    messageIds: readonly string[],
    userId: number,
  ): Promise<void> {
    const sender = parts.sender(chat.platform);
    let deletion: Deletion = 'deleted';
    for (const id of messageIds) {
      if ((await sender.deleteMessage(chat, id)) === 'refused') deletion = 'refused';
    }
    await noteExposed(userId, chat);
    await sender.notify({ chat }, keysText.exposed(deletion));
  }

  /** What to say instead of making a turn of it, if anything. */
  function refusalOf(message: IncomingMessage): Notice | undefined {
    const { command, quoted, text, files, chat } = message;
    const { showsQuoted } = parts.sender(chat.platform).traits;
    if (command !== undefined && isCodeHelp(command.name)) {
      const hasCode = command.argument.trim() !== '' || isReadable({ text: '', files });
      return hasCode || isReadable(quoted) ? undefined : generalText.noCodeThere();
    }
    if (text.trim() !== '' || files.length > 0) return undefined;
    if (quoted === undefined) {
      return command === undefined ? generalText.nothingToRead() : generalText.askWhat();
    }
    return showsQuoted === 'sometimes' && quoted.text.trim() === '' && quoted.files.length === 0
      ? generalText.quotedIsHidden()
      : undefined;
  }

  async function takeEdit(message: IncomingMessage): Promise<void> {
    const holdsKey = detectKeys(wordsOf(message)).length > 0;
    if (message.addressed === 'none' && !holdsKey) return;
    const person = await identities.personOf(message.chat.platform, message.sender.platformUserId);
    if (holdsKey) {
      const chat = await identities.chatOf(message.chat);
      await turnIntake.cancel(message, chat, 'key');
      const edited = { ...message, messageId: `${message.messageId}#edit` };
      await commands.once(edited, 'key', person.userId, async (context) => {
        const removed = await removeMessage(message);
        await noteExposed(person.userId, message.chat);
        warn(context, keysText.exposed(removed));
      });
      return;
    }
    const { command } = message;
    if (command !== undefined && command.name !== 'ask' && !isCodeHelp(command.name)) return;
    const edited = await turnIntake
      .edit(command === undefined ? message : { ...message, text: questionOf(command) }, person)
      .catch((error: unknown) => {
        // Its turn says so when it is run.
        if (isRingIncomplete(error)) return undefined;
        throw error;
      });
    if (edited?.result !== 'key') return;
    await mailbox.cancel(
      { turnId: edited.turnId, chatIds: await identities.chatIds(message.chat) },
      'key',
    );
    await removePieces(message.chat, edited.messageIds, person.userId);
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
        const { platform } = press.chat;
        if (press.action.startsWith(FORGET_ACTION)) {
          // Pressed again by somebody who is forgotten: that must not make them known.
          const known = await identities.find(platform, press.sender.platformUserId);
          if (known === undefined) {
            await parts.sender(platform).answerPress(press, forgetText.already());
            break;
          }
        }
        const userId = await identities.userOf(platform, press.sender.platformUserId);
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
      case 'deleted':
        await turnIntake.remove(event, await identities.chatIds(event.chat));
        break;
      case 'migrated':
        await identities.migrate(event.from, event.to);
        break;
      case 'closed': {
        await parts.closedPlaces.close(await identities.placeIds(event.chat), event.chat.kind);
        break;
      }
    }
  };
}

/** All of a message that its sender wrote. */
function wordsOf({ command, text, files }: IncomingMessage): string {
  return [command?.argument ?? '', text, ...files.map(({ name }) => name)].join('\n\n');
}

/** What a command asks a model: code help has questions of its own. */
function questionOf({ name, argument }: NonNullable<IncomingMessage['command']>): string {
  if (!isCodeHelp(name)) return argument;
  return [codeHelpQuestion(name), argument].filter((text) => text.trim() !== '').join('\n\n');
}

function isReadable(what: Pick<QuotedMessage, 'text' | 'files'> | undefined): boolean {
  if (what === undefined) return false;
  return what.text.trim() !== '' || what.files.some((file) => file.kind !== 'other');
}
