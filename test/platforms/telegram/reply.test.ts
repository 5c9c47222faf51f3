import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Reply, ReplyTarget } from '../../../src/chat/reply.ts';
import type { TelegramSimulator } from '../../fakes/telegram.ts';
import { memoryLog } from '../../support/memory-log.ts';
import { people, sending, target } from './sending.ts';

type Options = Parameters<typeof people>[0];

async function asked(options: Options = {}) {
  const { telegram, ann, direct } = await people(options);
  return { telegram, ann, chat: direct, question: telegram.say(direct, ann, 'why?') };
}

async function askedInGroup(options: { forum?: boolean } = {}) {
  const { telegram, ann } = await people();
  const chat = telegram.group({ title: 'Team', members: [ann], ...options });
  return { telegram, ann, chat, question: telegram.say(chat, ann, '/ask why?') };
}

function open(
  telegram: TelegramSimulator,
  to: ReplyTarget,
  ...options: [Parameters<typeof sending>[1]?, Parameters<typeof sending>[2]?]
): Reply {
  const reply = sending(telegram, ...options).sender.openReply(to);
  onTestFinished(() => reply.abandon());
  return reply;
}

/** The texts of the bot's lasting messages. */
function answers(telegram: TelegramSimulator, chat: Parameters<TelegramSimulator['messages']>[0]) {
  return telegram.messages(chat).flatMap(({ from, text }) => (from?.is_bot ? [text] : []));
}

const isTyping = (telegram: TelegramSimulator) => telegram.callsOf('sendChatAction').length > 0;

describe('an answer in a private chat', () => {
  test('shows that it thinks, with a button to stop, then grows as a draft', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question, { turnId: 4711 }));
    const thinking = await telegram.waitFor(() => telegram.draft(chat));
    expect(thinking).toMatchObject({ text: '', draft_id: 4711, can_stop: true });
    expect(isTyping(telegram)).toBe(true);
    reply.show({ markdown: 'It is **be' });
    reply.show({ markdown: 'It is **because**' });
    const draft = await telegram.waitFor(() => {
      const shown = telegram.draft(chat);
      return shown?.text === 'It is because' && shown;
    });
    expect(draft.entities).toMatchObject([{ type: 'bold', offset: 6, length: 7 }]);
    await reply.finish({ markdown: 'It is **because** of x.' });
    expect(answers(telegram, chat)).toEqual(['It is because of x.']);
    expect(telegram.draft(chat)).toBeUndefined();
    expect(telegram.messages(chat).at(-1)?.reply_to_message?.message_id).toBe(question.message_id);
  });

  test('that comes at once shows no draft', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question), { delayMs: 1000 });
    await reply.finish({ markdown: 'Yes.' });
    expect(telegram.calls.map(({ method }) => method)).toEqual(['sendMessage']);
  });

  test('goes into its topic', async () => {
    const { telegram, ann, direct } = await people({ hasTopicsEnabled: true });
    const thread = telegram.topic(direct, 'Code');
    const question = telegram.say(direct, ann, 'why?', { message_thread_id: thread });
    const reply = open(telegram, target(direct, question, { thread }));
    await telegram.waitFor(() => telegram.draft(direct, thread));
    await reply.finish({ markdown: 'Because.' });
    expect(telegram.messages(direct, { thread }).at(-1)?.text).toBe('Because.');
  });

  test('shows only the newest text, and no faster than the interval', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question), { delayMs: 0, draftEveryMs: 100 });
    const start = performance.now();
    for (let i = 1; i <= 60; i += 1) {
      reply.show({ markdown: `word ${i}` });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await telegram.waitFor(() => telegram.draft(chat)?.text === 'word 60');
    const took = performance.now() - start;
    expect(telegram.callsOf('sendMessageDraft').length).toBeLessThanOrEqual(took / 100 + 2);
  });

  test('keeps its draft alive while the model thinks', async () => {
    const { telegram, chat, question } = await asked();
    open(telegram, target(chat, question), { draftRefreshMs: 60 });
    await telegram.waitFor(() => telegram.callsOf('sendMessageDraft').length >= 3);
  });

  test('goes on without drafts after three failures, and is typing instead', async () => {
    const { telegram, chat, question } = await asked();
    telegram.fail({ method: 'sendMessageDraft', status: 400 });
    const reply = open(telegram, target(chat, question), { typingEveryMs: 20 });
    reply.show({ markdown: 'a' });
    await telegram.waitFor(() => telegram.callsOf('sendMessageDraft').length === 3);
    const before = telegram.callsOf('sendChatAction').length;
    reply.show({ markdown: 'a b' });
    reply.show({ markdown: 'a b c' });
    await telegram.waitFor(() => telegram.callsOf('sendChatAction').length > before);
    expect(telegram.callsOf('sendMessageDraft')).toHaveLength(3);
    await reply.finish({ markdown: 'a b c d' });
    expect(answers(telegram, chat)).toEqual(['a b c d']);
  });

  test('holds drafts back as long as Telegram asks, and the final message not at all', async () => {
    const { telegram, chat, question } = await asked();
    telegram.fail({ method: 'sendMessageDraft', retryAfter: 60 });
    const reply = open(telegram, target(chat, question));
    await telegram.waitFor(() => telegram.callsOf('sendMessageDraft').length === 1);
    reply.show({ markdown: 'a' });
    await reply.finish({ markdown: 'a b' });
    expect(telegram.callsOf('sendMessageDraft')).toHaveLength(1);
    expect(answers(telegram, chat)).toEqual(['a b']);
  });

  test('shows nothing more once it was abandoned', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question), { draftRefreshMs: 20 });
    await telegram.waitFor(() => telegram.draft(chat));
    await reply.abandon();
    const before = telegram.calls.length;
    reply.show({ markdown: 'x' });
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect(telegram.calls).toHaveLength(before);
  });

  test('stops typing when there are words', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question), { typingEveryMs: 20 });
    await telegram.waitFor(() => isTyping(telegram));
    reply.show({ markdown: 'a' });
    await telegram.waitFor(() => telegram.draft(chat)?.text === 'a');
    const before = telegram.callsOf('sendChatAction').length;
    reply.show({ markdown: 'a b' });
    await telegram.waitFor(() => telegram.draft(chat)?.text === 'a b');
    expect(telegram.callsOf('sendChatAction')).toHaveLength(before);
  });
});

describe('an answer in a group', () => {
  test('is one reply that is edited as it grows, and in the end', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const log = memoryLog();
    const reply = open(telegram, target(chat, question, { deliveries: log.deliveries }));
    await telegram.waitFor(() => answers(telegram, chat)[0] === 'Thinking…');
    const [placeholder] = telegram.messages(chat).slice(-1);
    expect(placeholder?.reply_to_message?.message_id).toBe(question.message_id);
    await vi.waitUntil(() => log.parts.get(0) === String(placeholder?.message_id));
    reply.show({ markdown: 'It is' });
    await telegram.waitFor(() => answers(telegram, chat)[0] === 'It is');
    await reply.finish({ markdown: 'It is `x`.' });
    expect(answers(telegram, chat)).toEqual(['It is x.']);
    expect(isTyping(telegram)).toBe(true);
    expect(telegram.callsOf('sendMessageDraft')).toEqual([]);
  });

  test('has a button that stops it while it grows, and none in the end', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const shown = () => telegram.messages(chat).findLast(({ from }) => from?.is_bot);
    const data = () => {
      const message = shown();
      return message === undefined ? [] : telegram.buttons(message).map((button) => button.data);
    };
    const reply = open(telegram, target(chat, question));
    await telegram.waitFor(() => shown()?.text === 'Thinking…');
    expect(data()).toEqual(['run:stop']);
    reply.show({ markdown: 'It is' });
    await telegram.waitFor(() => shown()?.text === 'It is');
    expect(data()).toEqual(['run:stop']);
    await reply.finish({ markdown: 'It is `x`.' });
    expect(shown()?.text).toBe('It is x.');
    expect(data()).toEqual([]);
  });

  test('that comes soon is sent without a placeholder', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const reply = open(telegram, target(chat, question), { placeholderDelayMs: 5000 });
    await reply.finish({ markdown: 'Yes.' });
    expect(answers(telegram, chat)).toEqual(['Yes.']);
    expect(telegram.callsOf('editMessageText')).toEqual([]);
  });

  test('takes over the placeholder of an earlier attempt', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const log = memoryLog();
    const first = open(telegram, target(chat, question, { deliveries: log.deliveries }));
    await telegram.waitFor(() => answers(telegram, chat).length === 1);
    await first.abandon();
    const second = open(telegram, target(chat, question, { deliveries: log.deliveries }));
    second.show({ markdown: 'It' });
    await telegram.waitFor(() => answers(telegram, chat)[0] === 'It');
    await second.finish({ markdown: 'It is x.' });
    expect(answers(telegram, chat)).toEqual(['It is x.']);
  });

  test('is sent afresh when its placeholder was deleted', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const reply = open(telegram, target(chat, question), { editEveryMs: 60_000 });
    await telegram.waitFor(() => answers(telegram, chat).length === 1);
    const [placeholder] = telegram.messages(chat).slice(-1);
    if (placeholder !== undefined) telegram.remove(placeholder);
    await reply.finish({ markdown: 'Yes.' });
    expect(answers(telegram, chat)).toEqual(['Yes.']);
  });

  test('is not doubled by an edit that nobody knows the end of', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const reply = open(telegram, target(chat, question), { editEveryMs: 60_000 });
    await telegram.waitFor(() => answers(telegram, chat).length === 1);
    telegram.fail({ method: 'editMessageText', times: 2, dropAfter: true });
    await reply.finish({ markdown: 'Yes.' });
    expect(answers(telegram, chat)).toEqual(['Yes.']);
  });

  test('has no second placeholder when nobody knows whether the first arrived', async () => {
    const { telegram, chat, question } = await askedInGroup();
    telegram.fail({ method: 'sendMessage', times: 1, dropAfter: true });
    const reply = open(telegram, target(chat, question));
    await telegram.waitFor(() => telegram.callsOf('sendMessage').length === 1);
    reply.show({ markdown: 'a' });
    await reply.finish({ markdown: 'Yes.' });
    const [first, second, ...more] = answers(telegram, chat);
    expect(more).toEqual([]);
    expect(first).toBe('Thinking…');
    expect(second).toMatch(/may stand here twice.*\n\nYes\./s);
  });

  test('edits only as often as the rates let it, and ends all the same', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const rates = { groupPerMinute: 8 };
    const reply = open(telegram, target(chat, question), { editEveryMs: 5 }, rates);
    for (let i = 0; i < 40; i += 1) {
      reply.show({ markdown: `word ${i}` });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await reply.finish({ markdown: 'the end' });
    expect(answers(telegram, chat)).toEqual(['the end']);
    expect(telegram.callsOf('editMessageText').length).toBeLessThanOrEqual(3);
  });

  test('goes to the new group when it migrated meanwhile', async () => {
    const { telegram, ann } = await people();
    const chat = telegram.group({ title: 'Team', type: 'group', members: [ann] });
    const question = telegram.say(chat, ann, '/ask why?');
    const reply = open(telegram, target(chat, question), { editEveryMs: 60_000 });
    await telegram.waitFor(() => answers(telegram, chat).length === 1);
    const moved = telegram.migrate(chat);
    await reply.finish({ markdown: 'Yes.' });
    expect(answers(telegram, moved).filter((text) => text === 'Yes.')).toHaveLength(1);
  });

  test('in a topic that was closed is gone', async () => {
    const { telegram, chat, question } = await askedInGroup({ forum: true });
    const description = 'Bad Request: TOPIC_CLOSED';
    telegram.fail({ method: 'sendMessage', status: 400, description });
    const reply = open(telegram, target(chat, question));
    await expect(reply.finish({ markdown: 'x' })).rejects.toMatchObject({ code: 'gone' });
  });
});

describe('a final answer', () => {
  const paragraphs = (count: number) =>
    Array.from({ length: count }, (_, i) => `${i} ${'word '.repeat(150)}`).join('\n\n');

  test('comes in parts of at most 4096, in order, note and buttons on the last', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question));
    const buttons = [[{ label: 'Go', action: 'go' }]];
    await reply.finish({ markdown: paragraphs(14), note: 'It was stopped.', buttons });
    const shown = telegram.messages(chat).filter(({ from }) => from?.is_bot);
    expect(shown.length).toBeGreaterThanOrEqual(3);
    expect(shown.every(({ text = '' }) => text.length <= 4096)).toBe(true);
    expect(shown.map((message) => telegram.buttons(message).length)).toEqual([
      ...shown.slice(1).map(() => 0),
      1,
    ]);
    expect(shown.at(-1)?.text).toMatch(/It was stopped\.$/);
    expect(shown.map((message) => message.reply_to_message !== undefined)).toEqual([
      true,
      ...shown.slice(1).map(() => false),
    ]);
    const numbers = shown.flatMap(({ text = '' }) => text.match(/^\d+/gm) ?? []).map(Number);
    expect(numbers).toEqual(Array.from({ length: 14 }, (_, i) => i));
  });

  test('keeps a note out of code that was never closed', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question));
    await reply.finish({ markdown: '```js\nlet x', note: 'It was stopped.' });
    const shown = telegram.messages(chat).at(-1);
    const pre = shown?.entities?.find(({ type }) => type === 'pre');
    expect(shown?.text).toBe('let x\n\nIt was stopped.');
    expect(pre).toMatchObject({ offset: 0, length: 5, language: 'js' });
  });

  test('brings very long code as a file too', async () => {
    const { telegram, chat, question } = await asked();
    const code = Array.from({ length: 900 }, (_, i) => `const x${i} = ${i};`).join('\n');
    const log = memoryLog();
    const reply = open(telegram, target(chat, question, { deliveries: log.deliveries }));
    await reply.finish({ markdown: `Here:\n\n\`\`\`ts\n${code}\n\`\`\`\n` });
    const shown = telegram.messages(chat).filter(({ from }) => from?.is_bot);
    const document = shown.at(-1)?.document;
    expect(document?.file_name).toBe('code-1.ts');
    const bytes = telegram.file(document?.file_id ?? '');
    expect(new TextDecoder().decode(bytes).trim()).toBe(code);
    expect(shown[0]?.text).toContain('code-1.ts');
    expect(log.parts.size).toBe(shown.length);
  });

  test('brings very long code as texts where files are forbidden', async () => {
    const { telegram, chat, question } = await askedInGroup();
    const description = 'Bad Request: not enough rights to send documents to the chat';
    telegram.fail({ method: 'sendDocument', status: 400, description });
    const code = Array.from({ length: 900 }, (_, i) => `const x${i} = ${i};`).join('\n');
    const reply = open(telegram, target(chat, question));
    await reply.finish({ markdown: `Here:\n\n\`\`\`ts\n${code}\n\`\`\`\n` });
    const shown = answers(telegram, chat).slice(1);
    expect(shown.join('\n')).toBe(code);
  });

  test('without a word says so', async () => {
    const { telegram, chat, question } = await asked();
    await open(telegram, target(chat, question)).finish({ markdown: ' \n' });
    expect(answers(telegram, chat)).toEqual(['There is nothing to show.']);
  });

  test('is not sent again where it was sent', async () => {
    const { telegram, chat, question } = await asked();
    const log = memoryLog();
    const to = target(chat, question, { deliveries: log.deliveries });
    const answer = { markdown: paragraphs(14) };
    await open(telegram, to).finish(answer);
    const sent = answers(telegram, chat);
    await open(telegram, to).finish(answer);
    expect(answers(telegram, chat)).toEqual(sent);
  });

  test('goes on with the part that the last attempt did not send', async () => {
    const { telegram, chat, question } = await asked();
    const log = memoryLog();
    const to = target(chat, question, { deliveries: log.deliveries });
    const answer = { markdown: paragraphs(14) };
    let sent = 0;
    telegram.fail({ method: 'sendMessage', retryAfter: 60, when: () => ++sent > 1 });
    const failed = open(telegram, to).finish(answer);
    await expect(failed).rejects.toMatchObject({ code: 'flood', retryable: true });
    expect(answers(telegram, chat)).toHaveLength(1);
    telegram.clearFaults();
    await open(telegram, to).finish(answer);
    const shown = answers(telegram, chat);
    expect(shown.join('\n').match(/^\d+/gm)).toHaveLength(14);
    expect(shown.join('\n')).not.toMatch(/twice/);
  });

  test('of which nobody knows whether it arrived stands twice at most, and says so', async () => {
    const { telegram, chat, question } = await asked();
    const reply = open(telegram, target(chat, question));
    telegram.fail({ method: 'sendMessage', times: 1, dropAfter: true });
    await reply.finish({ markdown: 'Yes.' });
    const [first, second, ...more] = answers(telegram, chat);
    expect(more).toEqual([]);
    expect(first).toBe('Yes.');
    expect(second).toMatch(/^The connection broke .* twice\.\n\nYes\.$/);
  });

  test('that another process may have sent says so', async () => {
    const { telegram, chat, question } = await asked();
    const { deliveries } = memoryLog({ 0: null });
    await open(telegram, target(chat, question, { deliveries })).finish({ markdown: 'Yes.' });
    expect(answers(telegram, chat)[0]).toMatch(/twice\.\n\nYes\.$/);
  });

  test('that fills its message says so in one before it', async () => {
    const { telegram, chat, question } = await asked();
    const { deliveries } = memoryLog({ 0: null });
    const full = 'x'.repeat(4090);
    await open(telegram, target(chat, question, { deliveries })).finish({ markdown: full });
    expect(answers(telegram, chat)).toEqual([expect.stringMatching(/twice\.$/), full]);
  });

  test.each([
    ['5xx', { status: 502 }],
    ['a broken connection before it', { dropBefore: true }],
    ['429', { retryAfter: 1 }],
  ])('survives %s', async (_, fault) => {
    const { telegram, chat, question } = await asked();
    telegram.fail({ method: 'sendMessage', times: 2, ...fault });
    await open(telegram, target(chat, question)).finish({ markdown: 'Yes.' });
    expect(answers(telegram, chat)).toEqual([expect.stringMatching(/Yes\.$/)]);
  });

  test('is put off when Telegram is out of reach for long', async () => {
    const { telegram, chat, question } = await asked();
    const log = memoryLog();
    const to = target(chat, question, { deliveries: log.deliveries });
    telegram.fail({ method: 'sendMessage', status: 500 });
    const sent = open(telegram, to, { answerBudgetMs: 200 }).finish({ markdown: 'Yes.' });
    await expect(sent).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    expect(log.parts.size).toBe(0);
  });

  test('for somebody who blocked the bot is final', async () => {
    const { telegram, ann, chat, question } = await asked();
    telegram.block(ann);
    const reply = open(telegram, target(chat, question));
    await telegram.waitFor(() => telegram.callsOf('sendMessageDraft').length > 0);
    const sent = reply.finish({ markdown: 'Yes.' });
    await expect(sent).rejects.toMatchObject({ code: 'blocked', retryable: false });
  });

  test('loses its buttons rather than itself', async () => {
    const { telegram, chat, question } = await asked();
    const description = 'Bad Request: BUTTON_DATA_INVALID';
    telegram.fail({
      method: 'sendMessage',
      status: 400,
      description,
      when: (payload) => payload.reply_markup !== undefined,
    });
    const buttons = [[{ label: 'Go', action: 'go' }]];
    await open(telegram, target(chat, question)).finish({ markdown: 'a **b**', buttons });
    expect(answers(telegram, chat)).toEqual(['a b']);
  });

  test('in many parts keeps to about one a second', async () => {
    const { telegram, chat, question } = await asked();
    const rates = { chatIntervalMs: 100, chatBurst: 1 };
    const reply = open(telegram, target(chat, question), {}, rates);
    const start = performance.now();
    await reply.finish({ markdown: paragraphs(14) });
    const waits = telegram.callsOf('sendMessage').length - 1;
    expect(waits).toBeGreaterThanOrEqual(2);
    expect(performance.now() - start).toBeGreaterThanOrEqual(waits * 100 - 5);
  });

  test('does not wait for a draft that hangs', async () => {
    const { telegram, chat, question } = await asked();
    telegram.fail({ method: 'sendMessageDraft', hang: true });
    const reply = open(telegram, target(chat, question));
    await telegram.waitFor(() => telegram.callsOf('sendMessageDraft').length === 1);
    await reply.finish({ markdown: 'Yes.' });
    await vi.waitUntil(() => answers(telegram, chat).length === 1);
  });
});
