import { expect, test } from 'vitest';
import { createChatGate } from '../../src/chat/chat-gate.ts';
import { type ChatRules, mayAnswerIn, NO_RULES } from '../../src/chat/chat-rules.ts';
import type { ChatAddress, IncomingMessage } from '../../src/chat/message.ts';
import { createLog } from '../../src/log.ts';
import { chatText } from '../../src/text/chat.ts';

const channel: ChatAddress = {
  platform: 'discord',
  chatId: 'channel',
  wholeId: 'server',
  kind: 'group',
};
const from = (platformUserId: string, chat: ChatAddress = channel): IncomingMessage => ({
  chat,
  sender: { platformUserId, displayName: 'Somebody' },
  messageId: '1',
  order: 1,
  sentAt: new Date(),
  text: 'hello',
  addressed: 'mention',
  files: [],
});

async function gateWith(managers: Set<string>) {
  const clock = { ms: 0 };
  const asked: string[] = [];
  const gate = createChatGate({
    rights: () => ({
      opensThreads: true,
      async mayManage(_, platformUserId) {
        asked.push(platformUserId);
        return managers.has(platformUserId);
      },
    }),
    log: await createLog({ level: 'silent' }),
    now: () => clock.ms,
  });
  return { gate, clock, asked };
}

const forManagers: ChatRules = { ...NO_RULES, openTo: 'managers' };

test('who is refused is told once an hour, each in each chat, and else met with silence', async () => {
  const { gate, clock } = await gateWith(new Set());
  const refused = chatText.notForAll();
  expect(await gate.check(from('ann'), forManagers)).toEqual(refused);
  expect(await gate.check(from('ann'), forManagers)).toBe('silence');
  expect(await gate.check(from('bob'), forManagers)).toEqual(refused);
  const elsewhere = { ...channel, chatId: 'other' };
  expect(await gate.check(from('ann', elsewhere), forManagers)).toEqual(refused);
  clock.ms += 3_600_001;
  expect(await gate.check(from('ann'), forManagers)).toEqual(refused);
});

test('who manages is remembered for a minute, then asked again', async () => {
  const managers = new Set(['ann']);
  const { gate, clock, asked } = await gateWith(managers);
  for (let i = 0; i < 5; i += 1) {
    expect(await gate.check(from('ann'), forManagers)).toBe('admitted');
  }
  expect(asked).toEqual(['ann']);
  managers.delete('ann');
  clock.ms += 60_001;
  expect(await gate.check(from('ann'), forManagers)).toEqual(chatText.notForAll());
});

test('nobody is asked about where everybody may, nor in private', async () => {
  const { gate, asked } = await gateWith(new Set());
  expect(await gate.check(from('ann'), NO_RULES)).toBe('admitted');
  const direct: ChatAddress = { platform: 'discord', chatId: 'dm', kind: 'direct' };
  expect(await gate.check(from('ann', direct), { ...forManagers, places: [] })).toBe('admitted');
  expect(asked).toEqual([]);
});

test('a channel of a server stands for its threads, a forum’s own page for none of its topics', () => {
  const only = (place: string): ChatRules => ({ ...NO_RULES, places: [place] });
  const thread = { ...channel, threadId: 'thread' };
  expect(mayAnswerIn(only('channel/'), thread)).toBe(true);
  expect(mayAnswerIn(only('channel/thread'), channel)).toBe(false);
  expect(mayAnswerIn(only('other/'), thread)).toBe(false);
  const forum: ChatAddress = { platform: 'telegram', chatId: '-100', kind: 'group' };
  expect(mayAnswerIn(only('-100/'), forum)).toBe(true);
  expect(mayAnswerIn(only('-100/'), { ...forum, threadId: '7' })).toBe(false);
});
