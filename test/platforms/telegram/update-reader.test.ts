import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ANN,
  BEN,
  BOT,
  BOT_USER,
  GROUP,
  message,
  PRIVATE,
  read,
  reader,
  readOne,
  readUpdates,
  update,
} from './updates.ts';

describe('who is heard', () => {
  test('a person in a private chat is', () => {
    expect(readOne({ text: 'hello', message_id: 5, date: 1_700_000_000 })).toEqual({
      chat: { platform: 'telegram', chatId: '7', kind: 'direct' },
      sender: { platformUserId: '7', displayName: 'Ann Lee' },
      messageId: '5',
      order: 5,
      sentAt: new Date('2023-11-14T22:13:20Z'),
      text: 'hello',
      addressed: 'direct',
      files: [],
    });
  });

  test.each([
    [
      'another bot',
      { chat: GROUP, from: { id: 3, is_bot: true, first_name: 'x' }, text: '/ask a' },
    ],
    [
      'an anonymous administrator',
      { chat: GROUP, from: { ...ANN, id: 1087968824 }, text: '/ask a' },
    ],
    ['a chat that speaks for itself', { chat: GROUP, sender_chat: GROUP, text: '/ask a' }],
    ['an automatic forward', { chat: GROUP, is_automatic_forward: true as const, text: '/ask a' }],
    ['a channel', { chat: { id: -5, type: 'channel', title: 'c' } as const, text: '/ask a' }],
    ['a guest query', { text: 'hello', guest_query_id: 'x' }],
    ['a service message', { chat: GROUP, new_chat_title: 'x' }],
    ['a service message in private', { write_access_allowed: {} }],
  ])('%s is not', (_, fields) => {
    expect(readOne(fields)).toBeUndefined();
  });

  test('what a person sent through an inline bot is', () => {
    const via = { id: 4, is_bot: true, first_name: 'gif' };
    expect(readOne({ text: 'hello', via_bot: via })?.text).toBe('hello');
  });

  test('a message from a year that no database reads is none', () => {
    expect(readOne({ text: 'hello', date: 253_402_300_799 })?.sentAt.getUTCFullYear()).toBe(9999);
    expect(readOne({ text: 'hello', date: 253_402_300_800 })).toBeUndefined();
    expect(readOne({ text: 'hello', date: Number.MAX_SAFE_INTEGER })).toBeUndefined();
  });

  test('half a surrogate pair and NUL are taken out', () => {
    expect(readOne({ text: 'a\u0000b\ud800c' })?.text).toBe('ab\ufffdc');
    const photo = [{ file_id: 'a\ud800', file_unique_id: 'b', width: 1, height: 1 }];
    const album = readOne({ photo, media_group_id: 'a\u0000' });
    expect(album?.files[0]?.id).toBe('a\ufffd');
    expect(album?.merge?.key).not.toContain('\u0000');
  });
});

describe('whom a message in a group addresses', () => {
  const inGroup = (text: string, fields = {}) => readOne({ chat: GROUP, text, ...fields });

  test('/ask is for the bot, without the command', () => {
    expect(inGroup('/ask why\n  not?')).toMatchObject({
      addressed: 'command',
      command: { name: 'ask', argument: 'why\n  not?' },
      text: 'why\n  not?',
    });
  });

  test('a command with its name in any case is for the bot', () => {
    expect(inGroup('/ASK@Latch_Bot hi')).toMatchObject({
      addressed: 'command',
      command: { name: 'ask', argument: 'hi' },
    });
  });

  test('a command for another bot is not', () => {
    const other = inGroup('/ask@other_bot hi');
    expect(other?.addressed).toBe('none');
    expect(other?.command).toBeUndefined();
  });

  test('a mention is, and goes from the text', () => {
    expect(inGroup('@latch_bot, how are you?')).toMatchObject({
      addressed: 'mention',
      text: 'how are you?',
    });
    expect(inGroup('tell me @LATCH_bot please')?.text).toBe('tell me please');
    expect(inGroup('explain this @latch_bot')?.text).toBe('explain this');
  });

  test('a mention of the account without a name is', () => {
    const entities = [{ type: 'text_mention' as const, offset: 0, length: 8, user: BOT_USER }];
    expect(inGroup('Latchkey help', { entities })).toMatchObject({
      addressed: 'mention',
      text: 'help',
    });
  });

  test('a mention in a caption is', () => {
    const fields = {
      chat: GROUP,
      photo: [{ file_id: 'f', file_unique_id: 'u', width: 1, height: 1 }],
      caption: '@latch_bot what is this?',
      caption_entities: [{ type: 'mention' as const, offset: 0, length: 10 }],
    };
    expect(readOne(fields)).toMatchObject({ addressed: 'mention', text: 'what is this?' });
  });

  test("another bot's name that begins alike is not", () => {
    expect(inGroup('@latch_bot2 hi')?.addressed).toBe('none');
  });

  test('a reply to the bot is, and one to somebody else is not', () => {
    const own = message({ chat: GROUP, from: BOT_USER, text: 'It is 4.' });
    const other = message({ chat: GROUP, from: BEN, text: 'What is 2 + 2?' });
    expect(inGroup('sure?', { reply_to_message: own })?.addressed).toBe('reply');
    expect(inGroup('sure?', { reply_to_message: other })?.addressed).toBe('none');
  });

  test('the notice of a topic that the bot made is nothing that one replies to', () => {
    const created = message({
      chat: GROUP,
      from: BOT_USER,
      forum_topic_created: { name: 'x', icon_color: 0 },
    } as never);
    const said = inGroup('hello all', { reply_to_message: created, is_topic_message: true });
    expect(said?.addressed).toBe('none');
    expect(said?.quoted).toBeUndefined();
  });

  test('what somebody forwards addresses nobody', () => {
    const origin = { type: 'hidden_user' as const, sender_user_name: 'Eve', date: 1 };
    expect(inGroup('/ask @latch_bot', { forward_origin: origin })).toMatchObject({
      addressed: 'none',
      forwardedFrom: 'Eve',
    });
  });
});

describe('commands', () => {
  test('a forwarded one is not carried out', () => {
    const origin = { type: 'user' as const, sender_user: BEN, date: 1 };
    const forwarded = readOne({ text: '/delkey', forward_origin: origin });
    expect(forwarded?.command).toBeUndefined();
    expect(forwarded).toMatchObject({ text: '/delkey', forwardedFrom: 'Ben' });
  });

  test('one in the middle of a sentence is none', () => {
    expect(readOne({ text: 'use /new for that' })?.command).toBeUndefined();
  });

  test('a path is none', () => {
    expect(readOne({ text: '/usr/bin/env', entities: [] })?.command).toBeUndefined();
  });

  test('one that is seen by its sender alone keeps a name of its own', () => {
    const ephemeral = { chat: GROUP, text: '/usage', message_id: 0, ephemeral_message_id: 12 };
    expect(readOne({ ...ephemeral, date: 1700 })?.messageId).toBe('e12.7.1700');
  });
});

describe('what is quoted', () => {
  const asked = message({ chat: GROUP, from: BEN, text: 'let x = 1;', message_id: 40 });

  test('comes with a question that replies to it', () => {
    expect(readOne({ chat: GROUP, text: '/ask why?', reply_to_message: asked })?.quoted).toEqual({
      messageId: '40',
      authorName: 'Ben',
      fromBot: false,
      text: 'let x = 1;',
      files: [],
    });
  });

  test('is only the part that the person chose', () => {
    const quote = { text: 'x = 1', position: 4, is_manual: true as const };
    const quoted = readOne({ text: 'why?', reply_to_message: asked, quote })?.quoted;
    expect(quoted?.text).toBe('x = 1');
  });

  test('is the whole message when Telegram chose the part', () => {
    const quote = { text: 'let', position: 0 };
    const quoted = readOne({ text: 'why?', reply_to_message: asked, quote })?.quoted;
    expect(quoted?.text).toBe('let x = 1;');
  });

  test('may be in another chat', () => {
    const external_reply = {
      origin: { type: 'user' as const, sender_user: BEN, date: 1 },
      document: { file_id: 'd', file_unique_id: 'u', file_name: 'a.py' },
    };
    const quote = { text: 'x', position: 0 };
    const read = readOne({ text: 'why?', message_id: 77, external_reply, quote });
    expect(read?.quoted).toMatchObject({
      messageId: 'external:77',
      authorName: 'Ben',
      text: 'x',
      files: [{ id: 'd', kind: 'text', name: 'a.py' }],
    });
  });

  test('brings its files', () => {
    const file = message({
      chat: GROUP,
      from: BEN,
      document: { file_id: 'd', file_unique_id: 'u', file_name: 'main.rs', file_size: 12 },
    });
    const quoted = readOne({ chat: GROUP, text: '/ask why?', reply_to_message: file })?.quoted;
    expect(quoted?.files).toEqual([
      { id: 'd', kind: 'text', name: 'main.rs', mediaType: 'text/plain', size: 12 },
    ]);
  });
});

describe('topics', () => {
  test('a topic is a thread of its own, in groups and in private chats', () => {
    const topic = { message_thread_id: 3, is_topic_message: true as const, text: 'hi' };
    expect(readOne({ chat: GROUP, ...topic })?.chat.threadId).toBe('3');
    expect(readOne(topic)?.chat.threadId).toBe('3');
  });

  test('a chain of replies is none', () => {
    const chat = readOne({ chat: GROUP, message_thread_id: 3, text: 'hi' })?.chat;
    expect(chat).toEqual({ platform: 'telegram', chatId: '-1001', kind: 'group' });
  });
});

describe('files', () => {
  test('of a photo the largest that models take is used', () => {
    const size = (width: number, file_size: number) => ({
      file_id: `p${width}`,
      file_unique_id: 'u',
      width,
      height: width,
      file_size,
    });
    const read = readOne({ photo: [size(90, 900), size(1280, 4_000_000), size(2560, 9_000_000)] });
    expect(read?.files).toEqual([
      { id: 'p1280', kind: 'image', name: 'photo.jpg', mediaType: 'image/jpeg', size: 4_000_000 },
    ]);
  });

  test.each([
    ['notes.txt', 'text/plain', 'text', 'text/plain'],
    ['main.ts', 'video/mp2t', 'text', 'text/plain'],
    ['data.json', 'application/json', 'text', 'application/json'],
    ['Dockerfile', undefined, 'text', 'text/plain'],
    ['shot.PNG', undefined, 'image', 'image/png'],
    ['shot', 'image/webp', 'image', 'image/webp'],
    ['logo.svg', 'image/svg+xml', 'text', 'image/svg+xml'],
    ['paper.pdf', 'application/pdf', 'other', 'application/pdf'],
    ['program', undefined, 'other', 'application/octet-stream'],
  ])('%s of type %s is read as %s', (file_name, mime_type, kind, mediaType) => {
    const document = {
      file_id: 'd',
      file_unique_id: 'u',
      file_name,
      ...(mime_type === undefined ? {} : { mime_type }),
    };
    expect(readOne({ document })?.files).toEqual([{ id: 'd', name: file_name, kind, mediaType }]);
  });

  test('a name can neither climb nor hide its end', () => {
    const file_name = '../../etc/a\u202etxt.exe';
    const document = { file_id: 'd', file_unique_id: 'u', file_name };
    expect(readOne({ document })?.files[0]?.name).toBe('atxt.exe');
  });

  test.each(['sticker', 'voice', 'video', 'location', 'contact', 'poll', 'animation'])(
    'a %s is a message without words and files',
    (kind) => {
      const document = kind === 'animation' ? { file_id: 'd', file_unique_id: 'u' } : undefined;
      const fields = { [kind]: { file_id: 'x' }, ...(document === undefined ? {} : { document }) };
      expect(readOne(fields)).toMatchObject({ text: '', files: [], addressed: 'direct' });
    },
  );
});

describe('code in a message', () => {
  test('gets back the fences that clients take away', () => {
    const text = 'why?\nlet x;\nlet y;';
    const entities = [{ type: 'pre' as const, offset: 5, length: 13, language: 'js' }];
    expect(readOne({ text, entities })?.text).toBe('why?\n```js\nlet x;\nlet y;\n```');
  });

  test('one line without a language stays as it was sent', () => {
    const text = 'a-value';
    expect(readOne({ text, entities: [{ type: 'pre', offset: 0, length: 7 }] })?.text).toBe(text);
  });

  test('that begins or ends within a character leaves no half of one', () => {
    const text = '/ask 😀\n😀';
    const code = { type: 'pre' as const, offset: 6, length: 3 };
    const command = { type: 'bot_command' as const, offset: 0, length: 4 };
    for (const entities of [[code], [command, code]]) {
      const read = readOne({ text, entities });
      expect(read?.text).toContain('```');
      expect(JSON.stringify(read)).not.toMatch(/\\ud[89a-f]/);
    }
  });

  test('with more backticks than a call takes arguments gets its fences all the same', () => {
    const text = '`a\n'.repeat(200_000);
    const entities = [{ type: 'pre', offset: 0, length: text.length } as const];
    expect(readOne({ text, entities })?.text.startsWith('```\n`a\n')).toBe(true);
  });
});

describe('other updates', () => {
  test('an edit comes as such, with the same id', () => {
    const edited = message({ text: 'new', message_id: 5, edit_date: 2 });
    const [event] = readUpdates([update({ edited_message: edited as never })]);
    expect(event).toMatchObject({ type: 'edit', message: { messageId: '5', text: 'new' } });
  });

  test('a live location that moves is no edit', () => {
    const moved = message({ location: { latitude: 1, longitude: 1 }, edit_date: 2 });
    expect(readUpdates([update({ edited_message: moved as never })])).toEqual([]);
  });

  test('a press tells the action, the message and the topic', () => {
    const pressed = message({
      chat: GROUP,
      from: BOT_USER,
      text: 'Which?',
      message_id: 6,
      message_thread_id: 3,
      is_topic_message: true,
    });
    const callback_query = { id: 'q', from: ANN, chat_instance: 'c', data: 'go', message: pressed };
    expect(readUpdates([update({ callback_query })])).toEqual([
      {
        type: 'button',
        press: {
          chat: { platform: 'telegram', chatId: '-1001', threadId: '3', kind: 'group' },
          sender: { platformUserId: '7', displayName: 'Ann Lee' },
          action: 'go',
          pressId: 'q',
          messageId: '6',
        },
      },
    ]);
  });

  test('a press below a message that is out of reach has no message', () => {
    const gone = { chat: PRIVATE, message_id: 6, date: 0 as const };
    const callback_query = { id: 'q', from: ANN, chat_instance: 'c', data: 'go', message: gone };
    const [event] = readUpdates([update({ callback_query } as never)]);
    expect(event).toMatchObject({ type: 'button', press: { action: 'go' } });
    expect(event?.type === 'button' && event.press.messageId).toBeUndefined();
  });

  test("Telegram's stop button names the turn", () => {
    const stopped_message_generation = { chat: PRIVATE, draft_id: 31 };
    expect(readUpdates([update({ stopped_message_generation } as never)])).toEqual([
      { type: 'stop', chat: { platform: 'telegram', chatId: '7', kind: 'direct' }, turnId: 31 },
    ]);
  });

  test.each(['kicked', 'left'])('a bot that was %s is out of the chat', (status) => {
    const my_chat_member = { chat: GROUP, new_chat_member: { user: BOT_USER, status } };
    expect(readUpdates([update({ my_chat_member } as never)])).toEqual([
      { type: 'closed', chat: { platform: 'telegram', chatId: '-1001', kind: 'group' } },
    ]);
  });

  test('a bot that became an administrator is not', () => {
    const new_chat_member = { user: BOT_USER, status: 'administrator' };
    expect(
      readUpdates([update({ my_chat_member: { chat: GROUP, new_chat_member } } as never)]),
    ).toEqual([]);
  });

  test('a migration is told once, whichever chat tells it first', () => {
    const told = (by = reader()) => ({
      old: () =>
        read(
          [message({ chat: { ...GROUP, id: -5, type: 'group' }, migrate_to_chat_id: -1001 })],
          by,
        ),
      new: () => read([message({ chat: GROUP, migrate_from_chat_id: -5 })], by),
    });
    const event = {
      type: 'migrated',
      from: { platform: 'telegram', chatId: '-5', kind: 'group' },
      to: { platform: 'telegram', chatId: '-1001', kind: 'group' },
    };
    const first = told();
    expect([...first.old(), ...first.new()]).toEqual([event]);
    const second = told();
    expect([...second.new(), ...second.old()]).toEqual([event]);
  });

  test('a migration that could not be handled is told again', () => {
    const by = reader();
    const moved = update({ message: message({ chat: GROUP, migrate_from_chat_id: -5 }) as never });
    expect(readUpdates([moved], by)).toEqual(readUpdates([moved], by));
  });

  test.each([
    ['nothing', undefined],
    ['a number', 5],
    ['no id', { message: message({ text: 'x' }) }],
    ['a message without a chat', { update_id: 1, message: { message_id: 1, date: 1 } }],
  ])('%s is malformed', (_, raw) => {
    expect(reader().readAll([raw])[0]?.kind).toBe('malformed');
  });

  test('a part of a message that is not as documented does not cost the rest', () => {
    const odd = { ...message({ text: 'hi' }), photo: 'x', reply_to_message: 3, entities: [{}] };
    expect(read([odd])).toMatchObject([{ type: 'message', message: { text: 'hi' } }]);
  });
});

test('no sequence of updates makes reading throw, or read twice differently', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(-1001, BOT.id, ANN.id, 0, 1.5, 'private', 'group', 'supergroup', 'mention'),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc.dictionary(
      fc.constantFrom(
        ...['update_id', 'message', 'edited_message', 'callback_query', 'my_chat_member', 'id'],
        ...['chat', 'from', 'date', 'message_id', 'text', 'entities', 'type', 'offset', 'length'],
        ...['photo', 'document', 'file_id', 'reply_to_message', 'forward_origin', 'quote', 'data'],
        ...[
          'media_group_id',
          'new_chat_member',
          'status',
          'stopped_message_generation',
          'draft_id',
        ],
      ),
      tie('any'),
    ),
  })).any;
  const plausible = fc
    .record({
      text: fc.option(fc.string({ maxLength: 5000 }), { nil: undefined }),
      extra: fc.dictionary(fc.constantFrom('photo', 'quote', 'entities', 'forward_origin'), value),
      album: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
      group: fc.boolean(),
    })
    .map(({ text, extra, album, group }) => ({
      update_id: 1,
      message: {
        message_id: 3,
        date: 1,
        from: ANN,
        chat: group ? GROUP : PRIVATE,
        text,
        media_group_id: album,
        ...extra,
      },
    }));
  fc.assert(
    fc.property(fc.array(fc.oneof(value, plausible), { maxLength: 6 }), (batch) => {
      const by = reader();
      expect(by.readAll(batch)).toHaveLength(batch.length);
      expect(by.readAll(batch)).toHaveLength(batch.length);
    }),
    { numRuns: 300 },
  );
});
