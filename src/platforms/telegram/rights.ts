import type { ChatRights } from '../../chat/chat-rights.ts';
import type { BotApi } from './bot-api.ts';
import { answerCode, toPlatformError } from './errors.ts';
import { ANONYMOUS_ADMINISTRATOR } from './incoming.ts';

/** Administrators of a group manage it. */
export function createTelegramRights({ sending }: BotApi): ChatRights {
  async function isAdministrator(chatId: number, userId: number): Promise<boolean> {
    try {
      const { status } = await sending.getChatMember(chatId, userId);
      return status === 'creator' || status === 'administrator';
    } catch (error) {
      // Where members are hidden, Telegram tells of them only to bots that are administrators.
      if (answerCode(error) !== 400) throw error;
      const administrators = await sending.getChatAdministrators(chatId);
      return administrators.some(({ user }) => user.id === userId);
    }
  }

  return {
    opensThreads: false,
    async mayManage({ chatId, kind }, platformUserId) {
      const userId = Number(platformUserId);
      // All who write anonymously share this account: whoever it is today, it is nobody.
      if (kind === 'direct' || userId === ANONYMOUS_ADMINISTRATOR) return false;
      try {
        return await isAdministrator(Number(chatId), userId);
      } catch (error) {
        throw toPlatformError(error);
      }
    },

    async isThere({ chatId }, platformUserId) {
      try {
        const member = await sending.getChatMember(Number(chatId), Number(platformUserId));
        if (member.status === 'restricted') return member.is_member;
        return member.status !== 'left' && member.status !== 'kicked';
      } catch (error) {
        // Where members are hidden, it tells of them only to bots that are administrators.
        if (answerCode(error) === 400) return true;
        throw toPlatformError(error);
      }
    },
  };
}
