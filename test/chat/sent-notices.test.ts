/** What the bot says unasked is noted, so that /forget finds it: of those who are known, and nobody else. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import type { PlatformSender } from '../../src/chat/platform.ts';
import { noteNotices } from '../../src/chat/sent-notices.ts';
import { sql } from '../../src/db/drizzle.ts';
import { createLog, type Log } from '../../src/log.ts';
import { drawPseudonym, eraseUsers } from '../../src/users/erasure.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createScriptedPlatform } from '../support/scripted-platform.ts';

let database: TestDatabase;
let log: Log;
beforeAll(async () => {
  database = await createTestDatabase();
  log = await createLog({ level: 'error', stream: { write: () => {} } });
});
afterAll(() => database.close());

/** Sends two messages of a notice, or breaks off after the first. */
function senderOf(breaks = false): PlatformSender {
  const inner: PlatformSender = {
    ...createScriptedPlatform().sender,
    async notify({ onSent }) {
      onSent?.('1');
      if (breaks) throw new Error('broken off');
      onSent?.('2');
      return '2';
    },
  };
  return noteNotices({ db: database.db, log }, inner);
}

const direct = (chatId: string): ChatAddress => ({ platform: 'discord', chatId, kind: 'direct' });

async function noted(chatId: string): Promise<readonly string[]> {
  const rows = await database.db.execute<{ id: string }>(sql`
    select message_id as id from sent_notices where platform_chat_id = ${chatId} order by 1`);
  return rows.map(({ id }) => id);
}

async function somebody() {
  const name = randomUUID();
  const { userId } = await createIdentities({ db: database.db }).personOf('discord', name);
  return { userId, name, chat: direct(`user:${name}`) };
}

test('every message of it, also where the platform broke off', async () => {
  const [one, other] = [await somebody(), await somebody()];
  expect(await senderOf().notify({ chat: one.chat }, { markdown: 'x' })).toBe('2');
  expect(await noted(one.chat.chatId)).toEqual(['1', '2']);
  const broken = senderOf(true).notify({ chat: other.chat }, { markdown: 'x' });
  await expect(broken).rejects.toThrow('broken off');
  expect(await noted(other.chat.chatId)).toEqual(['1']);
});

test('goes with its user, and nothing is noted of one who was forgotten, or in a group', async () => {
  const { userId, chat } = await somebody();
  const sender = senderOf();
  await sender.notify({ chat }, { markdown: 'x' });
  await sender.notify({ chat: { ...chat, kind: 'group' } }, { markdown: 'x' });
  const erased = await database.db.transaction((tx) =>
    eraseUsers(tx, { userIds: [userId], usagePseudonym: drawPseudonym(), deletableMs: 3_600_000 }),
  );
  const [gone, ...more] = erased?.sent ?? [];
  expect(more).toEqual([]);
  expect(gone?.chatId).toBe(chat.chatId);
  expect(gone?.messageIds.toSorted()).toEqual(['1', '2']);
  expect(await noted(chat.chatId)).toEqual([]);
  await sender.notify({ chat }, { markdown: 'x' });
  expect(await noted(chat.chatId)).toEqual([]);
});
