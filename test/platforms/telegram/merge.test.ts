import { describe, expect, test } from 'vitest';
import { ANN, BEN, GROUP, mergesOf, message, PRIVATE, read, reader } from './updates.ts';

const DATE = 1_800_000_000;
const ORIGIN = { type: 'hidden_user' as const, sender_user_name: 'Eve', date: 1 };
const PHOTO = [{ file_id: 'f', file_unique_id: 'u', width: 1, height: 1 }];

test('an ordinary message waits for nothing', () => {
  const events = read([message({ text: 'a', date: DATE }), message({ text: 'b', date: DATE })]);
  expect(mergesOf(events)).toEqual([undefined, undefined]);
});

describe('a text that Telegram split', () => {
  const long = (date = DATE) => message({ text: 'x'.repeat(4096), date });
  const split = { key: 'split:7:7', waitMs: 1000 };

  test('waits for its last, short chunk, which joins it', () => {
    const by = reader();
    expect(mergesOf(read([long()], by))).toEqual([split]);
    expect(mergesOf(read([message({ text: 'the end', date: DATE + 1 })], by))).toEqual([split]);
  });

  test('ends with the short chunk', () => {
    const short = (text: string) => message({ text, date: DATE });
    const events = read([long(), long(), short('the end'), short('and now?')]);
    expect(mergesOf(events)).toEqual([split, split, split, undefined]);
  });

  test('keeps its chunks together when they are delivered again', () => {
    const by = reader();
    const chunks = [long(), message({ text: 'the end', date: DATE })];
    expect(mergesOf(read(chunks, by))).toEqual([split, split]);
    expect(mergesOf(read(chunks, by))).toEqual([split, split]);
    expect(mergesOf(read(chunks.slice(1), by))).toEqual([split]);
  });

  test.each([
    ['later', message({ text: 'next', date: DATE + 5 })],
    ['of somebody else', message({ text: 'next', date: DATE, from: BEN })],
    ['in another chat', message({ text: 'next', date: DATE, chat: GROUP })],
    ['that is a command', message({ text: '/stop', date: DATE })],
  ])('is not joined by a message %s', (_, next) => {
    const first = long();
    expect(mergesOf(read([first, { ...next, message_id: first.message_id + 1 }]))).toEqual([
      split,
      undefined,
    ]);
  });

  test('addresses the bot as a whole in a group', () => {
    const first = message({ chat: GROUP, text: `/ask ${'x'.repeat(4090)}`, date: DATE });
    const events = read([first, message({ chat: GROUP, text: 'the end', date: DATE })]);
    expect(events).toMatchObject([
      { message: { addressed: 'command' } },
      { message: { addressed: 'mention' } },
    ]);
  });
});

describe('an album', () => {
  const picture = (caption?: string) =>
    message({
      chat: GROUP,
      photo: PHOTO,
      media_group_id: 'g',
      ...(caption === undefined
        ? {}
        : { caption, caption_entities: [{ type: 'mention', offset: 0, length: 10 }] }),
    });

  test('has one key for all of it', () => {
    const album = { key: 'album:g', waitMs: 800 };
    expect(mergesOf(read([picture(), picture()]))).toEqual([album, album]);
  });

  test('is for the bot when one caption is, whichever it is', () => {
    const addressed = (batch: unknown[], by = reader()) =>
      read(batch, by).map((event) => (event.type === 'message' ? event.message.addressed : ''));
    expect(addressed([picture('@latch_bot what?'), picture()])).toEqual(['mention', 'mention']);
    expect(addressed([picture(), picture('@latch_bot what?')])).toEqual(['mention', 'mention']);
    const by = reader();
    addressed([picture('@latch_bot what?')], by);
    expect(addressed([picture()], by)).toEqual(['mention']);
    expect(addressed([picture(), picture()])).toEqual(['none', 'none']);
  });
});

describe('a comment and what is forwarded with it', () => {
  const comment = () => message({ text: 'what is this?', date: DATE, message_id: 100 });
  const forward = (id: number, date = DATE) =>
    message({ text: 'code', date, message_id: id, forward_origin: ORIGIN });
  const merged = { key: 'forward:100', waitMs: 500 };

  test('belong together when they come in one batch', () => {
    expect(mergesOf(read([comment(), forward(101), forward(102, DATE + 1)]))).toEqual([
      merged,
      merged,
      merged,
    ]);
  });

  test('are joined by what is forwarded within the same second, though it comes later', () => {
    const by = reader();
    read([comment(), forward(101)], by);
    expect(mergesOf(read([forward(102), forward(103, DATE + 3)], by))).toEqual([merged, undefined]);
  });

  test('keep their key when they are delivered again, also apart', () => {
    const by = reader();
    read([comment(), forward(101)], by);
    expect(mergesOf(read([forward(101)], by))).toEqual([merged]);
    expect(mergesOf(read([comment()], by))).toEqual([merged]);
  });

  test('share the key of a forwarded album', () => {
    const picture = (id: number) =>
      message({
        photo: PHOTO,
        media_group_id: 'g',
        forward_origin: ORIGIN,
        date: DATE,
        message_id: id,
      });
    const album = { key: 'album:g', waitMs: 800 };
    expect(mergesOf(read([comment(), picture(101), picture(102)]))).toEqual([album, album, album]);
  });

  test.each([
    ['a forward alone', [forward(101)]],
    ['one of another second', [comment(), forward(101, DATE + 2)]],
    ['a command before it', [message({ text: '/new', date: DATE }), forward(101)]],
    [
      'somebody else before it',
      [
        message({ chat: GROUP, from: BEN, text: 'a', date: DATE }),
        message({ chat: GROUP, from: ANN, text: 'b', date: DATE, forward_origin: ORIGIN }),
      ],
    ],
    [
      'a private chat of another person',
      [comment(), { ...forward(101), chat: { ...PRIVATE, id: 55 } }],
    ],
  ])('%s waits for nothing', (_, batch) => {
    expect(mergesOf(read(batch)).every((merge) => merge === undefined)).toBe(true);
  });
});
