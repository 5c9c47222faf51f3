/** Lets messages for the bot through where, and from whom, a chat's managers allow it. */

import { type Log, serializeError } from '../log.ts';
import { chatText } from '../text/chat.ts';
import type { ChatRights } from './chat-rights.ts';
import { type ChatRules, mayAnswerIn } from './chat-rules.ts';
import { chatKey, type IncomingMessage, type PlatformName } from './message.ts';
import type { Notice } from './platform.ts';

/** How long it is remembered that somebody may manage a chat, or may not, in milliseconds. */
const REMEMBERED_MS = 60_000;
/** A person who is refused in a chat is told so once in that time, in milliseconds. */
const TOLD_EVERY_MS = 3_600_000;
/** The most people whom either is remembered of. */
const MOST = 10_000;

export interface ChatGate {
  /** @returns `admitted`, what to tell who is refused, or `silence`: they were told lately */
  check(message: IncomingMessage, rules: ChatRules): Promise<'admitted' | 'silence' | Notice>;
}

export function createChatGate({
  rights,
  log,
  now = () => performance.now(),
}: {
  /** Undefined where nobody can be asked: then nobody is a manager. */
  readonly rights: (platform: PlatformName) => Pick<ChatRights, 'mayManage'> | undefined;
  readonly log: Log;
  readonly now?: () => number;
}): ChatGate {
  const known = createMemory<boolean>(REMEMBERED_MS, now);
  const told = createMemory<true>(TOLD_EVERY_MS, now);

  /** @returns undefined where it could not be found out */
  async function isManager({ chat, sender }: IncomingMessage): Promise<boolean | undefined> {
    const who = `${chat.platform}:${chat.chatId}|${sender.platformUserId}`;
    const remembered = known.get(who);
    if (remembered !== undefined) return remembered;
    try {
      const found = (await rights(chat.platform)?.mayManage(chat, sender.platformUserId)) ?? false;
      known.set(who, found);
      return found;
    } catch (error) {
      log.warn({ error: serializeError(error) }, 'who may manage a chat could not be found out');
      return undefined;
    }
  }

  async function refusal(message: IncomingMessage, rules: ChatRules): Promise<Notice | undefined> {
    if (!mayAnswerIn(rules, message.chat)) return chatText.notHere();
    if (rules.openTo === 'everybody') return undefined;
    const manages = await isManager(message);
    if (manages === undefined) return chatText.couldNotAsk();
    return manages ? undefined : chatText.notForAll();
  }

  return {
    async check(message, rules) {
      if (message.chat.kind === 'direct') return 'admitted';
      const notice = await refusal(message, rules);
      if (notice === undefined) return 'admitted';
      const who = `${chatKey(message.chat)}|${message.sender.platformUserId}`;
      if (told.get(who) !== undefined) return 'silence';
      told.set(who, true);
      return notice;
    },
  };
}

function createMemory<T>(keptMs: number, now: () => number) {
  const kept = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    get(key: string): T | undefined {
      const found = kept.get(key);
      return found !== undefined && found.until > now() ? found.value : undefined;
    },
    set(key: string, value: T): void {
      kept.delete(key);
      kept.set(key, { value, until: now() + keptMs });
      for (const oldest of kept.keys()) {
        if (kept.size <= MOST) break;
        kept.delete(oldest);
      }
    },
  };
}
