/** What must hold on every platform. */

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ButtonPress, IncomingMessage, PlatformEvent } from '../../src/chat/message.ts';
import { PlatformError } from '../../src/chat/platform.ts';
import type { Answer, DeliveryLog, Reply } from '../../src/chat/reply.ts';
import { createDeliveryLog } from '../../src/conversation/delivery-log.ts';
import { createMailbox } from '../../src/queue/mailbox.ts';
import { escapeMarkdown, inlineCode } from '../../src/text/markdown.ts';
import { turnFor, userWithChat } from '../queue/turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Ability, Platform, Seat } from './platforms/harness.ts';
import { telegramDirect, telegramGroup } from './platforms/telegram.ts';
import { terminalPipe, terminalWindow } from './platforms/terminal.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

interface Ask {
  readonly turnId: number;
  readonly deliveries: DeliveryLog;
}

/** A turn of the database's own, and its durable delivery log. */
async function newTurn(): Promise<Ask> {
  const { db } = database;
  const accepted = await createMailbox({ db, limit: 10 }).accept(
    turnFor(await userWithChat(db), 1),
  );
  if (accepted.result !== 'accepted') throw new Error('no turn');
  return { turnId: accepted.turnId, deliveries: createDeliveryLog(db, accepted.turnId) };
}

describe.each([telegramDirect, telegramGroup, terminalWindow, terminalPipe])(
  '$name',
  (platform: Platform) => {
    /** A fact that some platforms have no way to break or to keep. */
    function needing(ability: Ability, name: string, fact: () => Promise<void>): void {
      const why = platform.lacks[ability];
      if (why === undefined) test(name, fact);
      else test.skip(`${name} [not applicable: ${why}]`, fact);
    }

    async function listen(handle: (event: PlatformEvent) => Promise<void> = async () => {}) {
      const seat = await platform.sit();
      const events: PlatformEvent[] = [];
      await seat.receiver.start(async (event) => {
        await handle(event);
        events.push(event);
      });
      const messages = (): IncomingMessage[] =>
        events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
      const presses = (): ButtonPress[] =>
        events.flatMap((event) => (event.type === 'button' ? [event.press] : []));
      async function hear(text: string): Promise<IncomingMessage> {
        const before = messages().length;
        await seat.say(text);
        return vi.waitUntil(() => messages()[before], { timeout: 5000 });
      }
      return { seat, events, messages, presses, hear };
    }

    /** Somebody asked, and the answer is begun. */
    async function asked() {
      const { seat, hear, ...rest } = await listen();
      const question = await hear('why?');
      const turn = await newTurn();
      function open(sender = seat.sender): Reply {
        const { chat } = question;
        const reply = sender.openReply({ ...turn, chat, replyTo: question.messageId });
        onTestFinished(() => reply.abandon());
        return reply;
      }
      return { seat, hear, question, turn, open, ...rest };
    }

    const seen = (seat: Seat) => seat.visible().join('\n');
    const count = (seat: Seat, text: string) => seen(seat).split(text).length - 1;

    describe('what people say', () => {
      test('arrives with its text, its sender and its place', async () => {
        const { seat, hear } = await listen();
        const first = await hear('hello there');
        expect(first).toMatchObject({
          text: 'hello there',
          addressed: platform.addressed,
          chat: seat.chat,
          files: [],
        });
        expect(first.command).toBeUndefined();
        expect(first.sender.platformUserId).not.toBe('');
        expect(first.sender.displayName).not.toBe('');
        expect(Math.abs(first.sentAt.getTime() - Date.now())).toBeLessThan(60_000);
      });

      test('arrives in its order, each once', async () => {
        const { seat, messages } = await listen();
        const texts = ['one', 'two', 'three', 'four', 'five'];
        for (const text of texts) await seat.say(text);
        await vi.waitUntil(() => messages().length >= 5, { timeout: 5000 });
        expect(messages().map(({ text }) => text)).toEqual(texts);
        expect(new Set(messages().map(({ messageId }) => messageId)).size).toBe(5);
        const orders = messages().map(({ order }) => order);
        expect(orders.every((order, i) => i === 0 || order > Number(orders[i - 1]))).toBe(true);
        expect(orders.every(Number.isSafeInteger)).toBe(true);
      });

      test.each([
        ['/model', 'model', ''],
        ['/model gpt-5', 'model', 'gpt-5'],
        ['/MODEL   gpt-5  mini ', 'model', 'gpt-5  mini'],
        ['/Model\tgpt-5', 'model', 'gpt-5'],
      ])('%j is a command with its argument', async (text, name, argument) => {
        const { hear } = await listen();
        const heard = await hear(text);
        expect(heard).toMatchObject({ addressed: 'command', command: { name, argument } });
        expect(heard.text).toBe(argument);
      });

      needing('lines', 'keeps its line ends', async () => {
        const { hear } = await listen();
        expect((await hear('one\n\n  two')).text).toBe('one\n\n  two');
        const { command } = await hear('/ask one\n  two\n\nthree');
        expect(command).toEqual({ name: 'ask', argument: 'one\n  two\n\nthree' });
        expect((await hear('/ask\nthree')).command).toEqual({ name: 'ask', argument: 'three' });
      });

      test.each(['a/b', '/', '// comment', '/ask-me', '5 < 6'])(
        '%j is no command',
        async (text) => {
          const { seat, messages } = await listen();
          await seat.say(`${text.startsWith('/') ? '' : ''}${text}`);
          await seat.say('/end');
          await vi.waitUntil(() => messages().some(({ command }) => command?.name === 'end'));
          expect(messages().filter(({ command }) => command !== undefined)).toHaveLength(1);
        },
      );

      needing('edits', 'arrives again when it is changed', async () => {
        const { seat, events, hear } = await listen();
        const { messageId } = await hear('helo');
        seat.edit('hello');
        const edit = await vi.waitUntil(() => events.find(({ type }) => type === 'edit'));
        expect(edit).toMatchObject({ message: { messageId, text: 'hello' } });
      });

      test('is handed in again when handling it failed', async () => {
        let failures = 0;
        const { hear, messages } = await listen(async () => {
          failures += 1;
          if (failures === 1) throw new Error('the database is down');
        });
        expect((await hear('hello')).text).toBe('hello');
        expect(failures).toBe(2);
        expect(messages()).toHaveLength(1);
      });
    });

    describe('a receiver that is stopped', () => {
      test('takes nothing in any more', async () => {
        const { seat, hear, messages } = await listen();
        await hear('before');
        await seat.receiver.stop();
        await seat.say('after').catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect(messages()).toHaveLength(1);
      });

      test('first ends what it handles', async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const begun = vi.fn();
        const { seat, messages } = await listen(() => {
          begun();
          return promise;
        });
        await seat.say('hello');
        await vi.waitUntil(() => begun.mock.calls.length === 1);
        const stopped = vi.fn();
        const stopping = seat.receiver.stop().then(stopped);
        await new Promise((done) => setTimeout(done, 50));
        expect(stopped).not.toHaveBeenCalled();
        resolve();
        await stopping;
        expect(messages()).toHaveLength(1);
      });
    });

    describe('a notice', () => {
      test('is shown without its markup, its code as it is', async () => {
        const { seat } = await listen();
        const code = 'if (a && b) {\n    return x * 2; // <b>\n}';
        const markdown = `It is **bold** and ${inlineCode('a_b*c*')}.\n\n\`\`\`ts\n${code}\n\`\`\``;
        await seat.sender.notify({ chat: seat.chat }, { markdown });
        await vi.waitUntil(() => seen(seat).includes('It is bold and'));
        expect(seen(seat)).toContain('a_b*c*');
        expect(seen(seat)).toContain(code);
        expect(seen(seat)).not.toContain('**');
      });

      test('has buttons, and a press arrives with its action and its message', async () => {
        const { seat, presses } = await listen();
        const messageId = await seat.sender.notify(
          { chat: seat.chat },
          {
            markdown: 'Sure?',
            buttons: [
              [
                { label: 'Yes', action: 'sure:yes' },
                { label: 'No', action: 'sure:no' },
              ],
              [{ label: 'Why', url: 'https://example.org/why' }],
            ],
          },
        );
        expect(seen(seat)).toContain('Why');
        await seat.press('No');
        const press = await vi.waitUntil(() => presses()[0], { timeout: 5000 });
        expect(press).toMatchObject({ action: 'sure:no', messageId, chat: seat.chat });
        await seat.sender.answerPress(press, 'Very well');
        expect(presses()).toHaveLength(1);
      });

      test('is replaced, with its buttons', async () => {
        const { seat, presses } = await listen();
        const { sender, chat } = seat;
        const buttons = [[{ label: 'Old', action: 'old' }]];
        const id = await sender.notify({ chat }, { markdown: 'first words', buttons });
        if (id === undefined) throw new Error('no id');
        const next = { markdown: 'second words', buttons: [[{ label: 'New', action: 'new' }]] };
        await sender.editNotice(chat, id, next);
        expect(count(seat, 'second words')).toBe(1);
        if (platform.lacks.unsaying === undefined || chat.platform === 'telegram') {
          expect(seen(seat)).not.toContain('first words');
        }
        await sender.editNotice(chat, id, next);
        expect(count(seat, 'second words')).toBe(1);
        await seat.press('New');
        expect(await vi.waitUntil(() => presses()[0]?.action)).toBe('new');
      });

      test('that is gone can be edited and deleted, which is no error', async () => {
        const { seat } = await listen();
        const { sender, chat } = seat;
        const id = (await sender.notify({ chat }, { markdown: 'soon gone' })) ?? '';
        await sender.deleteMessage(chat, id);
        await sender.editNotice(chat, id, { markdown: 'x' });
        for (const unknown of [id, '999999', '', 'no id', '-1']) {
          await sender.editNotice(chat, unknown, { markdown: 'y' });
          expect(['deleted', 'refused']).toContain(await sender.deleteMessage(chat, unknown));
        }
      });

      test('shows what users wrote as they wrote it', async () => {
        const { seat } = await listen();
        const hostile = [
          '**bold** _it_ `code` ~~no~~ ||spoiler||',
          '# no heading',
          '- no item',
          '1. no item',
          '[text](https://evil.example/x) <b>b</b> &lt; \\*',
          '@everyone @here <@123> @bot_name',
          '> no quotation',
        ].join('\n');
        await seat.sender.notify(
          { chat: seat.chat },
          { markdown: `${escapeMarkdown(hostile)}\n\nend` },
        );
        await vi.waitUntil(() => seen(seat).includes('end'));
        // Joiners keep a platform from naming somebody.
        expect(seen(seat).replaceAll('\u2060', '')).toContain(hostile);
      });

      test('steers nothing with control characters', async () => {
        const { seat } = await listen();
        const evil = 'x\u0000\u0007\u001b[2Jy\u009b31mz\u202eo\u2028k\ud800end';
        await seat.sender.notify(
          { chat: seat.chat },
          { markdown: `${escapeMarkdown(evil)}\n\n${inlineCode(evil)}` },
        );
        await vi.waitUntil(() => seen(seat).includes('end'));
        expect(seen(seat)).not.toMatch(/[^\P{Cc}\n]|[\u202a-\u202e]/u);
        expect(seen(seat).isWellFormed()).toBe(true);
      });
    });

    describe('deleting', () => {
      test('is answered truthfully', async () => {
        const { seat, hear } = await listen();
        const { sender, chat } = seat;
        const old = (await sender.notify({ chat }, { markdown: 'old notice' })) ?? '';
        const said = await hear('my secret question');
        const answer = await sender.deleteMessage(chat, said.messageId);
        expect(seat.saidStands('my secret question')).toBe(answer === 'refused');
        const fresh = (await sender.notify({ chat }, { markdown: 'new notice' })) ?? '';
        for (const [id, text] of [
          [old, 'old notice'],
          [fresh, 'new notice'],
        ] as const) {
          expect(seen(seat)).toContain(text);
          const done = await sender.deleteMessage(chat, id);
          expect([text, seen(seat).includes(text)]).toEqual([text, done === 'refused']);
        }
      });

      needing('deletion', 'takes away what a person wrote', async () => {
        const { seat, hear } = await listen();
        const { messageId } = await hear('my secret question');
        await hear('something else');
        expect(await seat.sender.deleteMessage(seat.chat, messageId)).toBe('deleted');
        expect(seat.saidStands('my secret question')).toBe(false);
        expect(await seat.sender.deleteMessage(seat.chat, messageId)).toBe('deleted');
      });
    });

    describe('an answer', () => {
      const whole =
        '# Title\n\nIt is **because** of x.\n\n```ts\nconst a = 1;\n\n  b();\n```\n\nThe end.';

      test('that grows fast stands once in the end, whole, with its note and buttons', async () => {
        const { seat, open, presses } = await asked();
        const reply = open();
        for (let length = 0; length < whole.length; length += 1) {
          reply.show({ markdown: whole.slice(0, length) });
          if (length % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await reply.finish({
          markdown: whole,
          note: 'Paid by *nobody*.',
          buttons: [[{ label: 'Again', action: 'again' }]],
        });
        for (const part of ['Title', 'It is because of x.', 'const a = 1;\n\n  b();', 'The end.']) {
          expect([part, count(seat, part)]).toEqual([part, 1]);
        }
        expect(count(seat, 'Paid by nobody.')).toBe(1);
        expect(seen(seat)).not.toContain(platform.mayBeRepeat);
        expect(seen(seat).indexOf('The end.')).toBeLessThan(seen(seat).indexOf('Paid by'));
        await seat.press('Again');
        expect(await vi.waitUntil(() => presses()[0]?.action)).toBe('again');
      });

      test('of no words is finished by its note alone', async () => {
        const { seat, open } = await asked();
        const reply = open();
        await reply.finish({ markdown: '', note: 'Nothing was said.' });
        expect(count(seat, 'Nothing was said.')).toBe(1);
      });

      test('is not sent again after a restart', async () => {
        const { seat, open } = await asked();
        const answer: Answer = { markdown: whole, note: 'A note.' };
        await open().finish(answer);
        const before = seat.visible();
        await open().finish(answer);
        expect(count(seat, 'The end.')).toBe(1);
        const again = open(await seat.anotherSender());
        again.show({ markdown: 'It' });
        await again.finish(answer);
        await again.finish(answer);
        expect(count(seat, 'The end.')).toBe(1);
        expect(count(seat, 'A note.')).toBe(1);
        expect(seat.visible().filter((text) => text.includes('because'))).toEqual(
          before.filter((text) => text.includes('because')),
        );
      });

      test('of which nobody knows whether it arrived comes again and says so', async () => {
        const { seat, open, turn } = await asked();
        await turn.deliveries.begin(0);
        await open(await seat.anotherSender()).finish({ markdown: whole });
        expect(count(seat, 'The end.')).toBe(1);
        expect(count(seat, platform.mayBeRepeat)).toBe(1);
        expect(await turn.deliveries.begin(0)).toMatchObject({ state: 'sent' });
      });

      needing('network', 'that arrived unconfirmed stands twice and says so', async () => {
        const { seat, open } = await asked();
        seat.loseNextConfirmation();
        await open().finish({ markdown: whole });
        expect(count(seat, 'The end.')).toBe(2);
        expect(count(seat, platform.mayBeRepeat)).toBe(1);
      });

      needing('unsaying', 'that is abandoned does not stand by halves', async () => {
        const { seat, open } = await asked();
        const reply = open();
        reply.show({ markdown: 'Half of an answer\n\nand' });
        await vi.waitUntil(() => seen(seat).includes('Half of an answer'), { timeout: 5000 });
        await reply.abandon();
        // Telegram's draft goes by itself after half a minute, and at once with the next answer.
        if (seat.chat.platform !== 'telegram') expect(seen(seat)).not.toContain('Half of an');
      });

      test('is finished by another attempt when the first was abandoned', async () => {
        const { seat, open } = await asked();
        const first = open();
        first.show({ markdown: 'Half of an answer\n\nand' });
        await vi.waitUntil(() => seen(seat).includes('Half of an answer'), { timeout: 5000 });
        await first.abandon();
        await first.abandon();
        const second = open();
        second.show({ markdown: 'Another' });
        await second.finish({ markdown: 'Another answer.' });
        expect(count(seat, 'Another answer.')).toBe(1);
        if (platform.lacks.unsaying === undefined || seat.chat.platform === 'telegram') {
          expect(seen(seat)).not.toContain('Half of an');
        }
      });

      test('is never disturbed by what is shown too late', async () => {
        const { seat, open } = await asked();
        const reply = open();
        reply.show({ markdown: 'The' });
        await reply.finish({ markdown: 'The answer.' });
        reply.show({ markdown: 'The answer. And more' });
        await reply.abandon();
        reply.show({ markdown: 'The answer. And still more' });
        await new Promise((resolve) => setTimeout(resolve, 150));
        expect(count(seat, 'The answer.')).toBe(1);
        expect(seen(seat)).not.toContain('more');
      });

      test('of 20,000 characters arrives whole and in order', async () => {
        const { seat, open } = await asked();
        const line = (n: number) => `line${n} ${'x'.repeat(70)}`;
        const blocks = Array.from({ length: 10 }, (_, block) => {
          const lines = Array.from({ length: 25 }, (_line, i) => line(block * 25 + i));
          return block % 2 === 0 ? `\`\`\`js\n${lines.join('\n')}\n\`\`\`` : lines.join('\n\n');
        });
        const markdown = blocks.join('\n\n');
        expect(markdown.length).toBeGreaterThan(19_000);
        const reply = open();
        for (let length = 0; length < markdown.length; length += 1500) {
          reply.show({ markdown: markdown.slice(0, length) });
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        await reply.finish({ markdown, note: 'All of it.' });
        const found = [...seen(seat).matchAll(/line(\d+) x{70}(?!x)/g)].map(([, n]) => Number(n));
        expect(found).toEqual(Array.from({ length: 250 }, (_, n) => n));
        expect(seen(seat).indexOf('All of it.')).toBeGreaterThan(seen(seat).indexOf('line249'));
      });

      test('of one very long block of code arrives whole', async () => {
        const { seat, open } = await asked();
        const code = Array.from({ length: 400 }, (_, n) => `const v${n} = '${'y'.repeat(40)}';`);
        await open().finish({ markdown: `Here:\n\n\`\`\`js\n${code.join('\n')}\n\`\`\`\n\nDone.` });
        expect(seen(seat)).toContain(code.join('\n'));
        expect(count(seat, 'Done.')).toBe(1);
      });

      needing('stopControl', 'can be stopped by the control of the platform', async () => {
        const { seat, open, turn, events } = await asked();
        const reply = open();
        reply.show({ markdown: 'On and on' });
        await vi.waitUntil(() => seen(seat).includes('On and on'), { timeout: 5000 });
        seat.stop();
        const stop = await vi.waitUntil(() => events.find(({ type }) => type === 'stop'));
        expect(stop).toEqual({ type: 'stop', chat: seat.chat, turnId: turn.turnId });
        await reply.finish({ markdown: 'On and on', note: 'Stopped.' });
        expect(count(seat, 'On and on')).toBe(1);
      });
    });

    describe('what fails', () => {
      const file = {
        id: 'no-such-file',
        kind: 'text',
        name: 'a.txt',
        mediaType: 'text/plain',
      } as const;

      async function failure(doing: Promise<unknown>, secrets: readonly string[]) {
        const error = await doing.then(
          () => 'it worked',
          (reason: unknown) => reason,
        );
        if (!(error instanceof PlatformError)) throw new Error(`no PlatformError: ${error}`);
        const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause ?? ''}`;
        for (const secret of secrets) expect(told).not.toContain(secret);
        return error;
      }

      test('to be fetched is an error with a code', async () => {
        const { seat } = await listen();
        const error = await failure(seat.sender.download(file, 1000), platform.secretsOf(seat));
        expect(error.code).not.toBe('');
      });

      test('when nothing can be sent, is an error that may be tried again', async () => {
        const { seat, open, turn } = await asked();
        const secrets = platform.secretsOf(seat);
        const reply = open();
        await seat.goOffline();
        reply.show({ markdown: 'x' });
        const errors = await Promise.all([
          failure(seat.sender.notify({ chat: seat.chat }, { markdown: 'x' }), secrets),
          failure(reply.finish({ markdown: 'x' }), secrets),
          failure(seat.sender.download(file, 1000), secrets),
        ]);
        expect(errors[0].retryable).toBe(true);
        expect(errors[1].retryable).toBe(true);
        expect((await turn.deliveries.begin(0)).state).not.toBe('sent');
        expect(await seat.sender.deleteMessage(seat.chat, '1')).toBe('refused');
        await reply.abandon();
      });
    });
  },
);
