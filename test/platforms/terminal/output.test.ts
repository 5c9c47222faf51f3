import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { PlatformError } from '../../../src/chat/platform.ts';
import type { DeliveryState } from '../../../src/chat/reply.ts';
import { createTerminal, type TerminalOptions } from '../../../src/platforms/terminal/terminal.ts';
import { CHAT, deliveryLog, sitDown } from './harness.ts';
import { Window } from './window.ts';

type Seat = Awaited<ReturnType<typeof sitDown>>;
const seats: Seat[] = [];
afterEach(async () => {
  for (const seat of seats.splice(0)) await seat.receiver.stop();
});

async function sit(window = new Window(), options: Partial<TerminalOptions> = {}) {
  const seat = await sitDown(window, options);
  seats.push(seat);
  return seat;
}

/** What stands, without the words of welcome and the prompt. */
function spoken(window: Window): string {
  return window
    .text()
    .replace(/^.*?leaves\.\n/s, '')
    .replace(/\n›.*$/, '')
    .trim();
}

const ATTACKS: [string, string][] = [
  ['OSC 52', '\u001b]52;c;aGVsbG8=\u0007'],
  ['CSI', '\u001b[2J\u001b[31mred'],
  ['BEL', '\u0007'],
  ['C1', '\u009b31m\u009d0;title\u009c'],
  ['bidi', 'a\u202eb\u2066c'],
  ['DEL and backspace', 'abc\u0008\u0008\u007f'],
  ['carriage return', 'good\rbad'],
  ['DCS', '\u001bP1$r\u001b\\'],
  ['as entities', '&#27;[31m&#x202e;&#155;31m'],
];

/** The window throws at what it does not know; these it would obey. */
function expectHarmless(raw: string): void {
  const own = raw.replace(/\p{Cc}\[(?:\d*[ACJ]|\?(?:7|25|2004)[hl]|\d+m)/gu, '');
  expect(own).not.toMatch(/[^\P{Cc}\n\r\t]|[\u202a-\u202e\u2066-\u2069]/u);
  expect(own).not.toContain('\rbad');
}

test.each(ATTACKS)('%s never reaches the terminal', async (_name, attack) => {
  const seat = await sit(new Window(80, 24, true));
  await seat.sender.notify(
    { chat: CHAT },
    {
      markdown: `a ${attack} b\n\n\`${attack}\`\n\n\`\`\`${attack}\n${attack}\n\`\`\`\n[x${attack}](http://a${attack})`,
      buttons: [
        [
          { label: attack, action: 'a' },
          { label: attack, url: `https://x/${attack}` },
        ],
      ],
    },
  );
  const reply = seat.reply();
  reply.show({ markdown: `grows ${attack}` });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('grows'));
  await reply.finish({ markdown: `grows ${attack}`, note: attack });
  const press = { chat: CHAT, sender: { platformUserId: 'local', displayName: 'You' } };
  await seat.sender.answerPress({ ...press, action: 'a', pressId: '1' }, attack);
  seat.type(`\u001b[200~typed ${attack}\u001b[201~`);
  await vi.waitFor(() => expect(seat.output.visible()).toContain('› typed'));
  seat.type('\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  expectHarmless(seat.output.raw);
});

const ANSWER = [
  '# Debouncing',
  '',
  'Use a **timer** that is *reset*, see [MDN](https://developer.mozilla.org/x) or https://x.y/z.',
  '',
  '1. First',
  '   ```ts',
  '   const a = `x`;',
  '     b();',
  '   ```',
  '2. Second, which is longer than the window is wide',
  '',
  '全角文字はどう表示されますか。これは折り返される。',
  '```',
  'no language',
  '```',
].join('\n');

const SHOWN = [
  '# Debouncing',
  '',
  'Use a timer that is reset, see MDN',
  '(https://developer.mozilla.org/x) or',
  'https://x.y/z.',
  '',
  '1. First',
  '```ts',
  'const a = `x`;',
  '  b();',
  '```',
  '2. Second, which is longer than the',
  '   window is wide',
  '',
  '全角文字はどう表示されますか。これは折り',
  '返される。',
  '```',
  'no language',
  '```',
].join('\n');

test('an answer stands exactly once in the end, however it came', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(ANSWER.length), { maxLength: 6 }),
      fc.integer({ min: 6, max: 30 }),
      async (cuts, rows) => {
        const seat = await sit(new Window(40, rows));
        const reply = seat.reply();
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          reply.show({ markdown: ANSWER.slice(0, cut) });
          await vi.waitFor(() => expect(seat.output.visible()).toContain(' s'));
          seat.output.emit('resize');
        }
        await reply.finish({ markdown: ANSWER });
        expect(spoken(seat.output)).toBe(SHOWN);
        await seat.receiver.stop();
      },
    ),
    { numRuns: 40 },
  );
});

test('finished lines are printed while the answer grows, the last one below them', async () => {
  const seat = await sit(new Window(40, 12));
  const reply = seat.reply();
  await vi.waitFor(() => expect(seat.output.visible()).toContain('thinking'));
  reply.show({ markdown: 'One line.\nAnother **bol' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('One line.\nAnother **bol\n\n'));
  expect(seat.output.visible()).not.toContain('thinking');
  expect(seat.output.cursorRow()).toBe('›');
  reply.show({ markdown: 'One line.\nAnother **bold** word.' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('Another bold word.'));
  await reply.finish({ markdown: 'One line.\nAnother **bold** word.', note: '*Stopped.*' });
  expect(spoken(seat.output)).toBe('One line.\nAnother bold word.\n\nStopped.');
  expect(seat.output.visible()).not.toContain('Ctrl-C');
});

test('an answer of hundreds of lines stands once, also when the window changes its width', async () => {
  const seat = await sit(new Window(40, 14));
  const lines = Array.from(
    { length: 300 },
    (_, index) => `- item ${index} is here, 文字 and words`,
  );
  const reply = seat.reply();
  for (const [step, columns] of [40, 33, 21, 60, 12, 40].entries()) {
    const shown = lines.slice(0, step * 50 + 20).join('\n');
    reply.show({ markdown: shown });
    const last = `item ${step * 50 + 18} `;
    await vi.waitFor(() => expect(seat.output.visible().replace(/\s+/g, ' ')).toContain(last));
    seat.output.resize(columns);
  }
  await reply.finish({ markdown: lines.join('\n') });
  const items = [
    ...spoken(seat.output)
      .replace(/\s+/g, ' ')
      .matchAll(/item (\d+)/g),
  ];
  expect(items.map((match) => Number(match[1]))).toEqual(lines.map((_, index) => index));
});

test('what was said meanwhile does not break the answer, which says that it goes on', async () => {
  const seat = await sit();
  const reply = seat.reply();
  reply.show({ markdown: 'One.\nTwo.\nThr' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('Thr'));
  await seat.say('A notice.');
  await reply.finish({ markdown: 'One.\nTwo.\nThree.' });
  expect(spoken(seat.output)).toBe('One.\nTwo.\n\nA notice.\n\nThe answer goes on:\n\nThree.');
});

test('an answer that is begun anew replaces what stood', async () => {
  const seat = await sit();
  const reply = seat.reply();
  reply.show({ markdown: 'Wrong.\nStart' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('Wrong.'));
  await reply.finish({ markdown: 'Right.\nEnd' });
  expect(spoken(seat.output)).toBe('Right.\nEnd');
});

test('blank lines at the ends of what came do not matter', async () => {
  const seat = await sit();
  const reply = seat.reply();
  reply.show({ markdown: '\n\nHello.\n\n\n' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('Hello.'));
  await reply.finish({ markdown: 'Hello.' });
  expect(spoken(seat.output)).toBe('Hello.');
});

test.each<[DeliveryState, string, string[]]>([
  [{ state: 'new' }, 'Hi.', ['begin 0', 'sent 0']],
  [
    { state: 'unknown' },
    'Latchkey was interrupted; you may have seen this answer before.\n\nHi.',
    ['begin 0', 'sent 0'],
  ],
  [{ state: 'sent', messageId: '5' }, '', ['begin 0']],
])('what the log says of an answer (%j) is minded', async (state, shown, calls) => {
  const seat = await sit();
  const log = deliveryLog(state);
  const reply = seat.reply(log);
  await reply.finish({ markdown: 'Hi.' });
  expect(spoken(seat.output)).toBe(shown);
  expect(log.calls).toEqual(calls);
  expect(seat.output.visible()).not.toContain('thinking');
});

test('an answer that stands but was not recorded is not printed again', async () => {
  const seat = await sit();
  const log = deliveryLog();
  let broken = true;
  const reply = seat.reply({
    ...log,
    async sent(part, messageId) {
      if (broken) throw new Error('no database');
      await log.sent(part, messageId);
    },
  });
  await expect(reply.finish({ markdown: 'Hi.' })).rejects.toThrow('no database');
  broken = false;
  await reply.finish({ markdown: 'Hi.' });
  expect(spoken(seat.output)).toBe('Hi.');
  expect(log.calls).toEqual(['begin 0', 'sent 0']);
});

test('an abandoned answer is gone, or says that it broke off', async () => {
  const seat = await sit(new Window(40, 12));
  const short = seat.reply();
  short.show({ markdown: 'One.\nTw' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('One.'));
  await short.abandon();
  await short.abandon();
  expect(spoken(seat.output)).toBe('');
  const long = seat.reply();
  long.show({ markdown: 'One.\n'.repeat(50) });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('One.'));
  await long.abandon();
  expect(spoken(seat.output)).toMatch(/One\.\n\nThe answer broke off here\.$/);
});

test('another attempt at a turn takes the place of the one before', async () => {
  const seat = await sit();
  const first = seat.reply();
  first.show({ markdown: 'One.\nTw' });
  await vi.waitFor(() => expect(seat.output.visible()).toContain('One.'));
  const second = seat.reply();
  await second.finish({ markdown: 'One.\nTwo.' });
  expect(spoken(seat.output)).toBe('One.\nTwo.');
});

test('buttons are numbered choices, and addresses', async () => {
  const seat = await sit();
  const id = await seat.sender.notify(
    { chat: CHAT },
    {
      markdown: 'Use this key?',
      buttons: [
        [
          { label: 'Use this key', action: 'key:use' },
          { label: 'Cancel', action: 'key:cancel' },
        ],
        [{ label: 'Get a key', url: 'https://example.com/keys' }],
        [{ label: 'Open private chat', directChat: 'setkey' }],
      ],
    },
  );
  expect(spoken(seat.output)).toBe(
    'Use this key?\n\n[1] Use this key   [2] Cancel\nGet a key: https://example.com/keys',
  );
  seat.type('2\r');
  await vi.waitFor(() => expect(seat.presses()).toHaveLength(1));
  expect(seat.presses()[0]).toMatchObject({ action: 'key:cancel', messageId: id, chat: CHAT });
  seat.type('2\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  expect(seat.presses()).toHaveLength(1);
});

test('a number is a message once something else was said, and when there is no such choice', async () => {
  const seat = await sit();
  const buttons = [[{ label: 'A', action: 'a' }]];
  await seat.sender.notify({ chat: CHAT }, { markdown: 'Choose.', buttons });
  seat.type('2\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  seat.type('1\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(2));
  expect(seat.presses()).toEqual([]);
});

test('a choice stays open while commands are used', async () => {
  const seat = await sit();
  await seat.reply().finish({ markdown: 'Used up.', buttons: [[{ label: 'A', action: 'a' }]] });
  seat.type('/usage\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  seat.type('1\r');
  await vi.waitFor(() => expect(seat.presses()).toHaveLength(1));
});

test('an edited notice replaces the one that stands, or is shown again below', async () => {
  const seat = await sit();
  const buttons = [[{ label: 'Yes', action: 'yes' }]];
  const id = (await seat.sender.notify({ chat: CHAT }, { markdown: 'Sure?', buttons })) ?? '';
  await seat.sender.editNotice(CHAT, id, { markdown: 'Done.' });
  await seat.sender.editNotice(CHAT, id, { markdown: 'Done.' });
  expect(spoken(seat.output)).toBe('Done.');
  seat.type('1\r');
  await vi.waitFor(() => expect(seat.messages()).toHaveLength(1));
  await seat.sender.editNotice(CHAT, id, { markdown: 'Undone.' });
  expect(spoken(seat.output)).toBe('Done.\n\n› 1\n\nUndone.');
  await seat.sender.editNotice(CHAT, 'unknown', { markdown: 'New.' });
  expect(spoken(seat.output)).toContain('New.');
});

test('a time is shown in the zone of the reader', async () => {
  const markdown = 'Until [00:00 UTC](time:1767225600), not [x](time:99999999999999).';
  const utc = await sit();
  await utc.say(markdown);
  expect(spoken(utc.output)).toBe('Until 1 Jan 2026, 00:00, not x (time:99999999999999).');
  const tokyo = await sit(new Window(), { timeZone: 'Asia/Tokyo' });
  await tokyo.say(markdown);
  expect(spoken(tokyo.output)).toContain('1 Jan 2026, 09:00');
});

test('what users wrote, escaped, stands as they wrote it', async () => {
  const seat = await sit();
  await seat.say('\\*not bold\\* \\_a\\_ \\[x\\]\\(y\\) \\# 1\\. \\`c\\` &amp; 2 \\< 3');
  expect(spoken(seat.output)).toBe('*not bold* _a_ [x](y) # 1. `c` & 2 < 3');
});

test('without colours nothing but the cursor is steered', async () => {
  const plain = await sit(new Window(80, 24, false));
  await plain.say('**bold** `code`');
  expect(plain.output.raw).not.toMatch(/\d+m/);
  const colored = await sit(new Window(80, 24, true));
  await colored.say('**bold** `code`');
  expect(colored.output.raw).toContain('\u001b[1mbold\u001b[22m');
  expect(spoken(colored.output)).toBe('bold code');
});

test('where nothing can be drawn, the answer is printed by whole lines, plain', async () => {
  const input = new PassThrough();
  const output = new PassThrough({ encoding: 'utf8' });
  const { sender } = createTerminal({ input, output, onExit() {} });
  const reply = sender.openReply({
    turnId: 1,
    chat: CHAT,
    replyTo: '1',
    deliveries: deliveryLog(),
  });
  reply.show({ markdown: '' });
  expect(output.read()).toBe(null);
  reply.show({ markdown: '# One\n**Tw' });
  expect(output.read()).toBe('\n# One\n');
  await reply.finish({ markdown: '# One\n**Two**\n```\n\tx', note: 'Note.' });
  expect(output.read()).toBe('Two\n```\n\tx\n```\n\nNote.\n');
});

test('there are no files in a terminal', async () => {
  const seat = await sit();
  const file = { id: '/etc/passwd', kind: 'text', name: 'x', mediaType: 'text/plain' } as const;
  const download = seat.sender.download(file, 1000);
  await expect(download).rejects.toThrow(PlatformError);
  await expect(download).rejects.toMatchObject({ code: 'gone' });
  expect(seat.sender.directChat({ platformUserId: 'local' })).toEqual(CHAT);
});

test('hostile text of 100 kB is shown in reasonable time', async () => {
  const seat = await sit();
  for (const piece of ['[', '*a ', '`', '![](', '<a', '| ', '> ', '👩‍👩‍👧']) {
    const began = performance.now();
    const reply = seat.reply();
    reply.show({ markdown: piece.repeat(100_000 / piece.length) });
    await vi.waitFor(() => expect(seat.output.visible()).toContain('Ctrl-C'));
    await reply.finish({ markdown: piece.repeat(100_000 / piece.length) });
    expect(performance.now() - began).toBeLessThan(3000);
  }
});

test('a file goes into the folder, for this user alone, and never over another', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-terminal-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const window = new Window(200, 40);
  const { sender } = await sit(window, { directory });
  const send = (text: string) =>
    sender.notify(
      { chat: CHAT },
      {
        markdown: 'Here it is:',
        file: { name: 'all.json', mediaType: 'application/json', bytes: Buffer.from(text) },
      },
    );
  await send('one');
  await send('two');
  expect((await readdir(directory)).toSorted()).toEqual(['all-2.json', 'all.json']);
  expect(await readFile(join(directory, 'all.json'), 'utf8')).toBe('one');
  expect(await readFile(join(directory, 'all-2.json'), 'utf8')).toBe('two');
  expect((await stat(join(directory, 'all.json'))).mode & 0o777).toBe(0o600);
  expect(spoken(window)).toContain(`Saved as \`${join(directory, 'all-2.json')}\``);
});

test('a file that can’t be written says so without a path of the machine', async () => {
  const { sender } = await sit(new Window(), { directory: '/nowhere/at/all' });
  const file = { name: 'all.json', mediaType: 'application/json', bytes: new Uint8Array(3) };
  await expect(sender.notify({ chat: CHAT }, { markdown: 'x', file })).rejects.toMatchObject({
    code: 'refused',
    message: expect.not.stringContaining('nowhere'),
  });
});
