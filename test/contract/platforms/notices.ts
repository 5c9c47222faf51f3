/** What the bot says on its own, and takes back. */

import { describe, expect, test } from 'vitest';
import { escapeMarkdown, inlineCode } from '../../../src/text/markdown.ts';
import { ALL_LINES, linesIn, longAnswer } from './long-answer.ts';
import { count, type Stage, seen, until } from './stage.ts';

const BIDI_OVERRIDE = /[\u202a-\u202e]/;

export function noticeFacts({ platform, needing, listen }: Stage): void {
  describe('a notice', () => {
    test('is shown without its markup, its code as it is', async () => {
      const { seat } = await listen();
      const code = 'if (a && b) {\n    return x * 2; // <b>\n}';
      const markdown = `It is **bold** and ${inlineCode('a_b*c*')}.\n\n\`\`\`ts\n${code}\n\`\`\``;
      await seat.sender.notify({ chat: seat.chat }, { markdown });
      await until(() => seen(seat).includes('It is bold and'));
      expect(seen(seat)).toContain('a_b*c*');
      expect(seen(seat)).toContain(code);
      expect(seen(seat)).not.toContain('**');
    });

    needing('takingBack', 'is deleted with others at once, and counted', async () => {
      const { seat } = await listen();
      const ids: string[] = [];
      for (const markdown of ['one notice', 'another notice', 'a kept notice']) {
        const id = await seat.sender.notify({ chat: seat.chat }, { markdown });
        if (id !== undefined && markdown !== 'a kept notice') ids.push(id);
      }
      expect(await seat.sender.deleteMessages(seat.chat, ids)).toBe(2);
      expect(seen(seat)).not.toMatch(/one notice|another notice/);
      expect(seen(seat)).toContain('a kept notice');
      expect(await seat.sender.deleteMessages(seat.chat, [])).toBe(0);
      expect(await seat.sender.deleteMessages(seat.chat, ['nonsense'])).toBe(0);
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
      const press = await until(() => presses()[0]);
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
      expect(count(seat, 'first words')).toBe(platform.lacks.unsaying === undefined ? 0 : 1);
      await sender.editNotice(chat, id, next);
      expect(count(seat, 'second words')).toBe(1);
      await seat.press('New');
      expect(await until(() => presses()[0]?.action)).toBe('new');
    });

    test('may be long, and has its buttons at the end', async () => {
      const { seat, presses } = await listen();
      const buttons = [[{ label: 'Done', action: 'done' }]];
      await seat.sender.notify({ chat: seat.chat }, { markdown: longAnswer(), buttons });
      expect(linesIn(seen(seat))).toEqual(ALL_LINES);
      await seat.press('Done');
      expect(await until(() => presses()[0]?.action)).toBe('done');
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
      await until(() => seen(seat).includes('end'));
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
      await until(() => seen(seat).includes('end'));
      const steering = [...seen(seat)].filter(
        (character) => (character < ' ' && character !== '\n') || BIDI_OVERRIDE.test(character),
      );
      expect(steering).toEqual([]);
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
}
