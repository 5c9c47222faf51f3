/** Answers to turns. */

import { describe, expect, test } from 'vitest';
import { PlatformError } from '../../../src/chat/platform.ts';
import type { Answer } from '../../../src/chat/reply.ts';
import { FenceLost } from '../../../src/conversation/turn-store.ts';
import { ALL_LINES, linesIn, longAnswer } from './long-answer.ts';
import { count, type Stage, seen, until } from './stage.ts';

export function answerFacts({ platform, newTurn, needing, asked }: Stage): void {
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
      expect(await until(() => presses()[0]?.action)).toBe('again');
    });

    test('of no words is finished by its note alone', async () => {
      const { seat, open } = await asked();
      const reply = open();
      await reply.finish({ markdown: '', note: 'Nothing was said.' });
      expect(count(seat, 'Nothing was said.')).toBe(1);
    });

    test('is not sent again after a restart', async () => {
      const { seat, open, restart } = await asked();
      const answer: Answer = { markdown: whole, note: 'A note.' };
      await open().finish(answer);
      const before = seat.visible();
      await open().finish(answer);
      expect(count(seat, 'The end.')).toBe(1);
      const again = await restart();
      again.show({ markdown: 'It' });
      await again.finish(answer);
      await again.finish(answer);
      expect(count(seat, 'The end.')).toBe(1);
      expect(count(seat, 'A note.')).toBe(1);
      expect(seat.visible().filter((text) => text.includes('because'))).toEqual(
        before.filter((text) => text.includes('because')),
      );
    });

    needing(
      'repeats',
      'of which nobody knows whether it arrived comes again and says so',
      async () => {
        const { seat, restart, turn } = await asked();
        await turn.deliveries.begin(0);
        await (await restart()).finish({ markdown: whole });
        expect(count(seat, 'The end.')).toBe(1);
        expect(count(seat, platform.mayBeRepeat)).toBe(1);
        expect(await (await turn.takeOver()).begin(0)).toMatchObject({ state: 'sent' });
      },
    );

    needing(
      'network',
      'that arrived unconfirmed never stands twice without saying so',
      async () => {
        const { seat, open } = await asked();
        seat.loseNextConfirmation();
        await open().finish({ markdown: whole });
        expect(count(seat, 'The end.')).toBe(1 + count(seat, platform.mayBeRepeat));
      },
    );

    needing('doubling', 'that arrived unconfirmed stands twice and says so', async () => {
      const { seat, open } = await asked();
      seat.loseNextConfirmation();
      await open().finish({ markdown: whole });
      expect(count(seat, 'The end.')).toBe(2);
      expect(count(seat, platform.mayBeRepeat)).toBe(1);
    });

    test('is finished by another attempt when the first was abandoned', async () => {
      const { seat, open } = await asked();
      const first = open();
      first.show({ markdown: 'Half of an answer\n\nand' });
      await until(() => seen(seat).includes('Half of an answer'));
      await first.abandon();
      await first.abandon();
      const second = open();
      second.show({ markdown: 'Another' });
      await second.finish({ markdown: 'Another answer.' });
      expect(count(seat, 'Another answer.')).toBe(1);
      expect(count(seat, 'Half of an')).toBe(platform.lacks.unsaying === undefined ? 0 : 1);
    });

    test('of an attempt that was taken over is not sent', async () => {
      const { seat, open, turn } = await asked();
      const first = open();
      first.show({ markdown: 'The first' });
      const second = open(seat.sender, await turn.takeOver());
      await expect(first.finish({ markdown: 'The first answer.' })).rejects.toBeInstanceOf(
        FenceLost,
      );
      await first.abandon();
      await second.finish({ markdown: 'The second answer.' });
      expect(count(seat, 'The second answer.')).toBe(1);
      expect(seen(seat)).not.toContain('first');
    });

    test('is never disturbed by what is shown too late', async () => {
      const { seat, open } = await asked();
      const reply = open();
      reply.show({ markdown: 'The' });
      await reply.finish({ markdown: 'The answer.' });
      reply.show({ markdown: 'The answer.\n\nAnd more\n\nx' });
      await reply.abandon();
      reply.show({ markdown: 'The answer.\n\nAnd still more\n\nx' });
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(count(seat, 'The answer.')).toBe(1);
      expect(seen(seat)).not.toContain('more');
    });

    test('of 20,000 characters arrives whole and in order', async () => {
      const { seat, open } = await asked();
      const markdown = longAnswer();
      expect(markdown.length).toBeGreaterThan(19_000);
      const reply = open();
      for (let length = 0; length < markdown.length; length += 1500) {
        reply.show({ markdown: markdown.slice(0, length) });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await reply.finish({ markdown, note: 'All of it.' });
      expect(linesIn(seen(seat))).toEqual(ALL_LINES);
      expect(seen(seat).indexOf('All of it.')).toBeGreaterThan(seen(seat).indexOf('line249'));
    });

    test('of one very long block of code arrives whole', async () => {
      const { seat, open } = await asked();
      const code = Array.from({ length: 400 }, (_, n) => `const v${n} = '${'y'.repeat(40)}';`);
      await open().finish({ markdown: `Here:\n\n\`\`\`js\n${code.join('\n')}\n\`\`\`\n\nDone.` });
      expect(seen(seat)).toContain(code.join('\n'));
      expect(count(seat, 'Done.')).toBe(1);
    });

    needing('network', 'that could not be sent is sent once there is a connection', async () => {
      const { seat, open, restart } = await asked();
      const reply = open();
      reply.show({ markdown: 'It is' });
      seat.goOffline();
      await expect(reply.finish({ markdown: whole })).rejects.toBeInstanceOf(PlatformError);
      seat.comeBack();
      await (await restart()).finish({ markdown: whole });
      expect(count(seat, 'The end.')).toBe(1);
    });

    needing('network', 'that broke off between two messages goes on with the next', async () => {
      const { seat, open, restart } = await asked();
      const answer = { markdown: longAnswer() };
      const finishing = open()
        .finish(answer)
        .catch((error: unknown) => expect(error).toBeInstanceOf(PlatformError));
      await until(() => seen(seat).includes('line0 '));
      seat.goOffline();
      await finishing;
      expect(linesIn(seen(seat)).length).toBeLessThan(250);
      seat.comeBack();
      await (await restart()).finish(answer);
      expect(linesIn(seen(seat))).toEqual(ALL_LINES);
    });

    test.each([
      ['nothing at all', ''],
      ['blanks', ' \n\t\n '],
      ['an open fence', 'See:\n\n```ts\nconst a = 1;'],
      ['marks alone', '**** __ `` [](<>) ![]()'],
      ['half of a character', 'a \ud83d b'],
      ['what is invisible', '\u200b\u2060\ufeff'],
      ['deep quotations', `${'> '.repeat(200)}deep`],
      ['a wide table', `|${'a|'.repeat(60)}\n|${'-|'.repeat(60)}\n|${'b|'.repeat(60)}`],
      ['a long line', 'z'.repeat(9000)],
    ])('of %s is finished', async (_, markdown) => {
      const { seat, open, turn } = await asked();
      const reply = open();
      reply.show({ markdown });
      await reply.finish({ markdown, note: 'End of it.' });
      expect(count(seat, 'End of it.')).toBe(1);
      expect(await turn.deliveries.begin(0)).toMatchObject({ state: 'sent' });
      const next = await newTurn();
      const bare = { ...next, chat: seat.chat, replyTo: '1' };
      await seat.sender.openReply(bare).finish({ markdown });
    });

    needing('stopControl', 'can be stopped by the control of the platform', async () => {
      const { seat, open, turn, events } = await asked();
      const reply = open();
      reply.show({ markdown: 'On and on' });
      await until(() => seen(seat).includes('On and on'));
      seat.stop();
      const stop = await until(() => events.find(({ type }) => type === 'stop'));
      expect(stop).toEqual({ type: 'stop', chat: seat.chat, turnId: turn.turnId });
      await reply.finish({ markdown: 'On and on', note: 'Stopped.' });
      expect(count(seat, 'On and on')).toBe(1);
    });
  });
}
