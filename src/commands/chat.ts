/** /chat: how the bot behaves in a group or server, for those who may manage it. */

import type { ChatRights } from '../chat/chat-rights.ts';
import { type ChatRules, mayAnswerIn, placeOf } from '../chat/chat-rules.ts';
import type { ChatSettings } from '../chat/chat-settings.ts';
import type { PlatformName } from '../chat/message.ts';
import { type Notice, PlatformError } from '../chat/platform.ts';
import { chatText, readCap } from '../text/chat.ts';
import type { Command, CommandContext } from './command.ts';

export function createChat({
  settings,
  rights,
}: {
  readonly settings: ChatSettings;
  readonly rights: (platform: PlatformName) => ChatRights | undefined;
}): Command {
  /** @returns what to say instead; undefined: they may */
  async function refusal({ chat, sender }: CommandContext): Promise<Notice | undefined> {
    if (chat.kind === 'direct') return chatText.onlyInGroups();
    try {
      const may = await rights(chat.platform)?.mayManage(chat, sender.platformUserId);
      return may === true ? undefined : chatText.notManager();
    } catch (error) {
      if (error instanceof PlatformError) return chatText.couldNotAsk();
      throw error;
    }
  }

  async function page({ chat }: CommandContext): Promise<Notice> {
    const rules = await settings.read(chat);
    const opensThreads = rights(chat.platform)?.opensThreads === true;
    return chatText.page({
      ...rules,
      answersIn: opensThreads ? rules.answersIn : undefined,
      places:
        rules.places === null
          ? undefined
          : { count: rules.places.length, here: mayAnswerIn(rules, chat) },
    });
  }

  /** @returns undefined for an action that is none of the page's: anybody can make one up */
  async function changeOf({
    chat,
    argument,
  }: CommandContext): Promise<Partial<ChatRules> | undefined> {
    const [name = '', value = ''] = argument.split('-');
    if (name === 'who' && (value === 'everybody' || value === 'managers')) return { openTo: value };
    if (name === 'in' && (value === 'replies' || value === 'threads')) return { answersIn: value };
    if (name === 'turns') return readCap('turns', value);
    if (name === 'micros') {
      return /^\d{1,11}$/.test(value) ? { microsPerDay: Number(value) } : readCap('dollars', value);
    }
    if (name !== 'where') return undefined;
    const rules = await settings.read(chat);
    const others = (rules.places ?? []).filter(
      (place) => !mayAnswerIn({ ...rules, places: [place] }, chat),
    );
    if (value === 'all') return { places: null };
    if (value === 'only') return { places: [placeOf(chat)] };
    // A row of a server's many channels, not of all of them.
    if (value === 'more') return { places: [...others, placeOf(chat)].slice(-100) };
    return value === 'less' && others.length > 0 ? { places: others } : undefined;
  }

  return {
    name: 'chat',
    description: 'Settings of this group, for its managers',
    where: 'everywhere',
    isPrivate: true,

    async run(context) {
      const refused = await refusal(context);
      if (refused !== undefined) {
        context.answer(refused, refused.markdown);
        return;
      }
      const [name = '', value = ''] = context.argument.trim().toLowerCase().split(/\s+/);
      if (name !== '') {
        const cap = readCap(name, value);
        if (cap === undefined) {
          const notice = chatText.unknownSetting();
          context.answer(notice, notice.markdown);
          return;
        }
        await settings.write(context.chat, cap);
      }
      const notice = await page(context);
      context.answer(notice, notice.markdown);
    },

    async press(context) {
      const refused = await refusal(context);
      if (refused !== undefined) {
        context.answer(refused, refused.markdown);
        return;
      }
      const change = await changeOf(context);
      if (change !== undefined) await settings.write(context.chat, change);
      context.replace(await page(context));
    },
  };
}
