import type { PlatformName } from './message.ts';
import { PlatformError, type PlatformErrorCode, type PlatformSender } from './platform.ts';

/** A sender that tells of each time the platform would not do what it was asked. */
export function observeSender(
  sender: PlatformSender,
  onFailure: (platform: PlatformName, code: PlatformErrorCode) => void,
): PlatformSender {
  const told = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof PlatformError) onFailure(sender.name, error.code);
      throw error;
    }
  };
  return {
    name: sender.name,
    traits: sender.traits,
    notify: (target, notice) => told(sender.notify(target, notice)),
    editNotice: (chat, messageId, notice, replyHandle) =>
      told(sender.editNotice(chat, messageId, notice, replyHandle)),
    answerPress: (press, text) => sender.answerPress(press, text),
    deleteMessage: (chat, messageId) => sender.deleteMessage(chat, messageId),
    deleteMessages: (chat, messageIds) => sender.deleteMessages(chat, messageIds),
    openReply(target) {
      const reply = sender.openReply(target);
      return {
        show: (progress) => reply.show(progress),
        finish: (answer) => told(reply.finish(answer)),
        abandon: () => reply.abandon(),
      };
    },
    download: (file, maxBytes) => told(sender.download(file, maxBytes)),
    directChat: (user) => sender.directChat(user),
  };
}
