/** What comes in. */

import { describe, expect, test, vi } from 'vitest';
import { type Stage, until } from './stage.ts';

export function receivingFacts({ platform, needing, listen }: Stage): void {
  describe('what people say', () => {
    test('arrives with its text, its sender and its place', async () => {
      const { seat, hear } = await listen();
      const first = await hear('hello there');
      expect(first).toMatchObject({
        text: 'hello there',
        addressed: platform.addressed.words,
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
      await until(() => messages().length >= 5);
      expect(messages().map(({ text }) => text)).toEqual(texts);
      expect(new Set(messages().map(({ messageId }) => messageId)).size).toBe(5);
      const dated = messages().map(({ sentAt, order }) => [sentAt.getTime(), order] as const);
      const sorted = dated.toSorted((one, next) => one[0] - next[0] || one[1] - next[1]);
      expect(sorted).toEqual(dated);
      expect(new Set(dated.map(String)).size).toBe(5);
      expect(dated.every(([, order]) => Number.isSafeInteger(order))).toBe(true);
    });

    test.each([
      ['/model', 'model', ''],
      ['/model gpt-5', 'model', 'gpt-5'],
      ['/MODEL   gpt-5  mini ', 'model', 'gpt-5  mini'],
      ['/Model\tgpt-5', 'model', 'gpt-5'],
    ])('%j is a command with its argument', async (text, name, argument) => {
      const { hear } = await listen();
      const heard = await hear(text);
      expect(heard).toMatchObject({
        addressed: platform.addressed.command,
        command: { name, argument },
      });
      expect(heard.text).toBe(argument);
    });

    needing('lines', 'keeps its line ends', async () => {
      const { hear } = await listen();
      expect((await hear('one\n\n  two')).text).toBe('one\n\n  two');
      const { command } = await hear('/ask one\n  two\n\nthree');
      expect(command).toEqual({ name: 'ask', argument: 'one\n  two\n\nthree' });
      expect((await hear('/ask\nthree')).command).toEqual({ name: 'ask', argument: 'three' });
    });

    test.each(['a/b', '/', '// comment', '/usr/bin', '5 < 6'])('%j is no command', async (text) => {
      const { seat, messages } = await listen();
      await seat.say(text);
      await seat.say('/end');
      await until(() => messages().some(({ command }) => command?.name === 'end'));
      expect(messages().filter(({ command }) => command !== undefined)).toHaveLength(1);
    });

    needing('edits', 'arrives again when it is changed', async () => {
      const { seat, events, hear } = await listen();
      const { messageId } = await hear('helo');
      seat.edit('hello');
      const edit = await until(() => events.find(({ type }) => type === 'edit'));
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
      await until(() => begun.mock.calls.length === 1);
      const stopped = vi.fn();
      const stopping = seat.receiver.stop().then(stopped);
      await new Promise((done) => setTimeout(done, 50));
      expect(stopped).not.toHaveBeenCalled();
      resolve();
      await stopping;
      expect(messages()).toHaveLength(1);
    });
  });
}
