import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import type { PlatformEvent } from '../../../src/chat/message.ts';
import { createTerminal, type TerminalOptions } from '../../../src/platforms/terminal/terminal.ts';
import { CHAT, sitDown } from './harness.ts';
import { Window } from './window.ts';

type Seat = Awaited<ReturnType<typeof sitDown>>;
const seats: Seat[] = [];
afterEach(async () => {
  for (const seat of seats.splice(0)) await seat.receiver.stop();
});

async function sit(options: Partial<TerminalOptions> = {}, window = new Window()) {
  const seat = await sitDown(window, options);
  seats.push(seat);
  return seat;
}

const texts = (seat: Seat) => seat.messages().map((message) => message.text);

test('a typed line is a message to the bot', async () => {
  const seat = await sit({ now: () => Date.UTC(2026, 0, 1) });
  seat.type('What is a monad?\r');
  await vi.waitFor(() => expect(seat.events).toHaveLength(1));
  const [message] = seat.messages();
  expect(message).toMatchObject({
    chat: CHAT,
    sender: { platformUserId: 'local', displayName: 'You' },
    text: 'What is a monad?',
    addressed: 'direct',
    sentAt: new Date('2026-01-01T00:00:00Z'),
    files: [],
  });
  expect(message?.order).toBe(Number(message?.messageId));
  expect(seat.output.text()).toContain('› What is a monad?');
});

test('ids increase, also after a restart in the same second', async () => {
  let clock = Date.UTC(2026, 0, 1);
  const now = () => clock;
  const orders: number[] = [];
  for (let start = 0; start < 2; start += 1) {
    const seat = await sit({ now });
    for (const text of ['a', 'b', 'c']) {
      seat.type(`${text}\r`);
      await vi.waitFor(() => expect(texts(seat)).toContain(text));
    }
    orders.push(...seat.messages().map((message) => message.order));
    clock += 1;
  }
  expect(orders).toEqual([...new Set(orders)].toSorted((a, b) => a - b));
  expect(orders.every(Number.isSafeInteger)).toBe(true);
});

test.each([
  ['/model gpt-5', { name: 'model', argument: 'gpt-5' }],
  ['/Usage', { name: 'usage', argument: '' }],
  ['/ask  two words ', { name: 'ask', argument: 'two words' }],
])('%j is a command', async (typed, command) => {
  const seat = await sit();
  seat.type(`${typed}\r`);
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  expect(seat.messages()[0]).toMatchObject({ command, addressed: 'direct' });
  expect(texts(seat)).toEqual([command.argument]);
});

test.each(['/usr/bin/env: what is it?', '// a comment', '/', '5 / 2'])(
  '%j is no command',
  async (typed) => {
    const seat = await sit();
    seat.type(`${typed}\r`);
    await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
    expect(seat.messages()[0]).toMatchObject({ text: typed, addressed: 'direct' });
    expect(seat.messages()[0]).not.toHaveProperty('command');
  },
);

test('empty lines are no messages', async () => {
  const seat = await sit();
  seat.type('\r');
  seat.type('   \r');
  seat.type('x\r');
  await vi.waitFor(() => expect(texts(seat).join('')).toContain('x'));
  expect(seat.messages()).toHaveLength(1);
});

test('pasted text with many lines is one message, and stays open to be edited', async () => {
  const seat = await sit({ commands: ['model'] });
  seat.type('Why? \u001b[200~\tif (a) {\r\n\t\tb();\r\n/model x\r\n}\u001b[201~');
  await vi.waitFor(() => expect(seat.output.cursorRow()).toBe('  }'));
  expect(seat.events).toEqual([]);
  seat.type(' ok');
  seat.type('\r');
  await vi.waitFor(() =>
    expect(texts(seat)).toEqual(['Why? \tif (a) {\n\t\tb();\n/model x\n} ok']),
  );
});

test('the marks around pasted text are recognised wherever they are cut', async () => {
  const whole = Buffer.from('\u001b[200~één\r日本\u001b[201~');
  for (let cut = 1; cut < whole.length; cut += 1) {
    const seat = await sit();
    seat.keyboard.write(whole.subarray(0, cut));
    seat.keyboard.write(whole.subarray(cut));
    await vi.waitFor(() => expect(seat.output.cursorRow()).toBe('  日本'));
    seat.type('\r');
    await vi.waitFor(() => expect(texts(seat)).toEqual(['één\n日本']));
    await seat.receiver.stop();
  }
});

test('text pasted without marks is one message too', async () => {
  const seat = await sit();
  seat.type('one\rtwo\r');
  seat.type('three\r');
  await vi.waitFor(() => expect(texts(seat)).toEqual(['one\ntwo\nthree']));
});

test('commands that were typed ahead stay apart', async () => {
  const seat = await sit();
  seat.type('/start\r/usage\rhello\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(3));
  expect(seat.messages().map((message) => message.command?.name)).toEqual([
    'start',
    'usage',
    undefined,
  ]);
});

test('Tab completes a command, and shows those that are meant', async () => {
  const seat = await sit({ commands: ['setkey', 'start', 'stop'] });
  seat.type('/se\t');
  await vi.waitFor(() => expect(seat.output.cursorRow()).toBe('› /setkey'));
  seat.type('\u0015/st');
  seat.type('\t');
  await vi.waitFor(() => expect(seat.output.visible()).toContain('/start  /stop'));
});

test('what is edited with cursor keys is what is sent', async () => {
  const seat = await sit();
  seat.type('helo');
  seat.type('\u001b[D');
  seat.type('l');
  await vi.waitFor(() => expect(seat.output.cursor().column).toBe(6));
  seat.type('\r');
  await vi.waitFor(() => expect(texts(seat)).toEqual(['hello']));
  seat.type('\u001b[A');
  await vi.waitFor(() => expect(seat.output.cursorRow()).toBe('› hello'));
});

test('a key is not shown while it is typed, nor afterwards', async () => {
  const key = `sk-${'proj-'}${'aB3'.repeat(12)}`;
  const seat = await sit();
  seat.type(key);
  await vi.waitFor(() => expect(seat.output.cursorRow()).toContain('sk-•••'));
  seat.type('\r');
  await vi.waitFor(() => expect(texts(seat)).toEqual([key]));
  seat.type(`/setkey ${'0123456789abcdef'.repeat(2)}\r`);
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(2));
  expect(seat.messages()[1]?.command?.argument).toBe('0123456789abcdef'.repeat(2));
  expect(seat.output.raw).not.toContain('aB3aB3');
  expect(seat.output.raw).not.toContain('0123456789abcdef');
});

test('a deleted message leaves the window and the history', async () => {
  const seat = await sit();
  seat.type('keep\r');
  await vi.waitFor(() => expect(texts(seat)).toEqual(['keep']));
  seat.type(`${'secret '.repeat(30)}\r`);
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(2));
  const id = seat.messages()[1]?.messageId ?? '';
  expect(await seat.sender.deleteMessage(CHAT, id)).toBe('deleted');
  expect(seat.output.text()).not.toContain('secret');
  expect(seat.output.text()).toContain('› keep');
  expect(await seat.sender.deleteMessage(CHAT, id)).toBe('refused');
  seat.type('\u001b[A');
  await vi.waitFor(() => expect(seat.output.cursorRow()).toBe('› keep'));
});

test('a message that is not the newest, or taller than the window, cannot be deleted', async () => {
  const seat = await sit({}, new Window(40, 10));
  seat.type('first\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  await seat.say('Something else.');
  const first = seat.messages()[0]?.messageId ?? '';
  expect(await seat.sender.deleteMessage(CHAT, first)).toBe('refused');
  seat.type(`${'word '.repeat(100)}\r`);
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(2));
  const long = seat.messages()[1]?.messageId ?? '';
  expect(await seat.sender.deleteMessage(CHAT, long)).toBe('refused');
  expect(seat.output.text()).toContain('› first');
});

test('Ctrl-C stops the answer first; then twice within two seconds leaves', async () => {
  let clock = 0;
  const seat = await sit({ now: () => clock });
  const reply = seat.reply(undefined, 7);
  seat.type('\u0003');
  await vi.waitFor(() => expect(seat.events).toEqual([{ type: 'stop', chat: CHAT, turnId: 7 }]));
  await reply.finish({ markdown: 'so far' });
  seat.type('half');
  seat.type('\u0003');
  await vi.waitFor(() => expect(seat.output.visible()).toContain('again to leave'));
  expect(seat.output.cursorRow()).toBe('›');
  clock += 2001;
  seat.type('\u0003');
  clock += 1999;
  await vi.waitFor(() => expect(seat.output.visible()).toContain('again to leave'));
  expect(seat.onExit).not.toHaveBeenCalled();
  seat.type('\u0003');
  await vi.waitFor(() => expect(seat.onExit).toHaveBeenCalledTimes(1));
  expect(seat.events).toHaveLength(1);
});

test('an answer that does not stop keeps nobody from leaving', async () => {
  const seat = await sit();
  seat.reply();
  seat.type('\u0003');
  seat.type('\u0003');
  seat.type('\u0003');
  await vi.waitFor(() => expect(seat.onExit).toHaveBeenCalledTimes(1));
  expect(seat.events).toHaveLength(1);
});

test.each(['\u0004', '/exit\r', '/quit\r'])('%j leaves, once', async (keys) => {
  const seat = await sit();
  seat.type(keys);
  await vi.waitFor(() => expect(seat.onExit).toHaveBeenCalledTimes(1));
  seat.keyboard.end();
  await seat.receiver.stop();
  expect(seat.onExit).toHaveBeenCalledTimes(1);
  expect(seat.events).toEqual([]);
});

test('stopping gives the terminal back as it was', async () => {
  const seat = await sit();
  seat.type('half a line');
  await vi.waitFor(() => expect(seat.output.cursorRow()).toContain('half'));
  await seat.receiver.stop();
  await seat.receiver.stop();
  expect(seat.keyboard.rawModes.at(0)).toBe(true);
  expect(seat.keyboard.rawModes.at(-1)).toBe(false);
  expect(Object.fromEntries(seat.output.modes)).toEqual({ 25: true, 7: true, 2004: false });
  expect(seat.output.text()).not.toContain('›');
  expect(seat.keyboard.listenerCount('data')).toBe(0);
});

test('a message that the core cannot take in is tried again, and then named', async () => {
  const window = new Window();
  const keyboard = new PassThrough();
  let attempts = 0;
  const taken: PlatformEvent[] = [];
  const { receiver } = createTerminal({ input: keyboard, output: window, onExit() {} });
  await receiver.start(async (event) => {
    attempts += 1;
    const text = event.type === 'message' ? event.message.text : '';
    if (text === 'never' || attempts === 1) throw new Error('no database');
    taken.push(event);
  });
  keyboard.write('first\nnever\nlast\n');
  await vi.waitFor(() => expect(taken).toHaveLength(2), { timeout: 4000 });
  expect(taken.map((event) => event.type === 'message' && event.message.text)).toEqual([
    'first',
    'last',
  ]);
  expect(window.text().replace(/\s+/g, ' ')).toContain('could not take this in');
  await receiver.stop();
});

test('piped input works with plain streams: every line a message, its end leaves', async () => {
  const input = new PassThrough();
  const output = new PassThrough({ encoding: 'utf8' });
  const onExit = vi.fn();
  const events: PlatformEvent[] = [];
  const { receiver, sender } = createTerminal({ input, output, onExit });
  await receiver.start(async (event) => {
    events.push(event);
  });
  input.write('one\ntwo\n/usage\n');
  await vi.waitFor(() => expect(events).toHaveLength(3));
  const [first] = events;
  expect(first?.type === 'message' && first.message.text).toBe('one');
  const id = first?.type === 'message' ? first.message.messageId : '';
  expect(await sender.deleteMessage(CHAT, id)).toBe('refused');
  await sender.notify({ chat: CHAT }, { markdown: '**Bold** `code`' });
  input.end();
  await vi.waitFor(() => expect(onExit).toHaveBeenCalledTimes(1));
  await receiver.stop();
  expect(output.read()).toBe('\nBold `code`\n');
});

test('a terminal that goes away is an exit, not a crash', async () => {
  const seat = await sit();
  seat.output.destroy(new Error('EPIPE'));
  await vi.waitFor(() => expect(seat.onExit).toHaveBeenCalledTimes(1));
  await expect(seat.say('into the void')).rejects.toMatchObject({ code: 'unreachable' });
});
