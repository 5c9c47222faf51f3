import { expect, onTestFinished, test, vi } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { createTelegram } from '../../../src/platforms/telegram/telegram.ts';
import { Secret } from '../../../src/secret.ts';
import { addressOf, people, sending, target } from './sending.ts';

async function running() {
  const everybody = await people();
  const platform = sending(everybody.telegram);
  const events: PlatformEvent[] = [];
  await platform.receiver.start(async (event) => {
    events.push(event);
  });
  onTestFinished(() => platform.receiver.stop());
  const next = async <T extends PlatformEvent['type']>(type: T) =>
    await vi.waitUntil(() => events.find((event) => event.type === type));
  return { ...everybody, platform, events, next };
}

test("Telegram's stop button stops the turn whose draft it was pressed on", async () => {
  const { telegram, ann, direct, platform, next } = await running();
  const question = telegram.say(direct, ann, 'why?');
  const reply = platform.sender.openReply(target(direct, question, { turnId: 4711 }));
  onTestFinished(() => reply.abandon());
  await telegram.waitFor(() => telegram.draft(direct));
  telegram.pressStop(direct);
  expect(await next('stop')).toEqual({ type: 'stop', chat: addressOf(direct), turnId: 4711 });
});

test('a press brings the action and the message that it stands below', async () => {
  const { telegram, ann, direct, platform, next } = await running();
  const buttons = [[{ label: 'Go', action: 'go' }]];
  const messageId = await platform.sender.notify(
    { chat: addressOf(direct) },
    { markdown: 'x', buttons },
  );
  const [shown] = telegram.messages(direct);
  if (shown === undefined) throw new Error('nothing was sent');
  telegram.press(shown, 'Go', ann);
  expect(await next('button')).toMatchObject({ press: { action: 'go', messageId } });
});

test('a user who blocks the bot closes the chat', async () => {
  const { telegram, ann, direct, next } = await running();
  telegram.block(ann);
  expect(await next('closed')).toEqual({ type: 'closed', chat: addressOf(direct) });
});

test('a group that becomes a supergroup is told once', async () => {
  const { telegram, ann, events, next } = await running();
  const group = telegram.group({ title: 'Team', type: 'group', members: [ann] });
  const moved = telegram.migrate(group);
  expect(await next('migrated')).toEqual({
    type: 'migrated',
    from: addressOf(group),
    to: addressOf(moved),
  });
  telegram.say(moved, ann, '/ask still there?');
  await next('message');
  expect(events.filter(({ type }) => type === 'migrated')).toHaveLength(1);
});

test('an edit comes with the id of the message', async () => {
  const { telegram, ann, direct, next } = await running();
  const said = telegram.say(direct, ann, 'one');
  telegram.edit(said, 'two');
  expect(await next('edit')).toMatchObject({
    message: { messageId: String(said.message_id), text: 'two' },
  });
});

test('a text that is too long for one message comes as chunks of one turn', async () => {
  const { telegram, ann, direct, events } = await running();
  telegram.say(direct, ann, 'word '.repeat(1700));
  const messages = await vi.waitUntil(() => {
    const found = events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
    return found.length >= 3 && found;
  });
  const key = `split:${direct.id}:${ann.id}`;
  expect(messages.map(({ merge }) => merge?.key)).toEqual(messages.map(() => key));
});

test('a webhook is mounted at the path of its address', async () => {
  const { telegram } = await people();
  const { webhook, receiver } = createTelegram({
    mode: 'webhook',
    url: 'https://bot.example.org/hooks/telegram?x=1',
    secret: new Secret('s'),
    token: new Secret(telegram.token),
    apiRoot: telegram.url,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  expect(webhook?.path).toBe('/hooks/telegram');
  expect(await webhook?.handle({}, '')).toEqual({ status: 401 });
  expect(await webhook?.handle({}, 's')).toEqual({ status: 503 });
  await receiver.stop();
});

test('nothing that is logged names the token or what was said', async () => {
  const { telegram, ann, direct, platform } = await running();
  telegram.fail({ method: /./, status: 500, times: 8, when: (payload) => 'chat_id' in payload });
  telegram.fail({ method: /./, dropBefore: true, times: 3 });
  const question = telegram.say(direct, ann, 'a secret question');
  const reply = platform.sender.openReply(target(direct, question));
  reply.show({ markdown: 'a secret' });
  await reply.finish({ markdown: 'a secret answer' }).catch(() => {});
  await platform.sender.deleteMessage(addressOf(direct), '1');
  const lines = JSON.stringify(platform.log.lines);
  expect(lines).not.toContain('secret');
  expect(lines).not.toContain(telegram.token);
});
