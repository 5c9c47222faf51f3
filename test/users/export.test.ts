import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ChatAddress } from '../../src/chat/message.ts';
import { clearOldWords } from '../../src/conversation/retention.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { turns } from '../../src/db/schema.ts';
import { createExports, type ExportPart, type Exports } from '../../src/users/export.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { converse, createParts, furnish, meet, type Parts, type Somebody } from './somebody.ts';

const GROUP: ChatAddress = { platform: 'telegram', chatId: '-100780', kind: 'group' };

let database: TestDatabase;
let parts: Parts;
let clock: Date;
let exports: Exports;
beforeAll(async () => {
  database = await createTestDatabase();
  parts = await createParts(database.db);
});
afterAll(() => database?.close());
beforeEach(() => {
  clock = new Date();
  exports = createExports({
    db: database.db,
    vault: parts.vault,
    audit: parts.audit,
    now: () => clock,
  });
});

const ROOMY = { maxFileBytes: 50_000_000 };

async function all(who: Somebody, from = exports, limits = ROOMY): Promise<readonly ExportPart[]> {
  const found: ExportPart[] = [];
  for await (const part of from.parts(who.userId, limits)) found.push(part);
  return found;
}
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test('an export holds everything that is known, in words, and of keys nothing but their hint', async () => {
  const ada = await meet(parts);
  const bob = await meet(parts);
  await furnish(parts, ada, GROUP);
  await converse(parts, bob, { question: 'Bob asks', answer: 'Bob hears' });
  const [part, ...more] = await all(ada);
  if (part === undefined) throw new Error('no part');
  expect(more).toEqual([]);
  expect(part).toMatchObject({ number: 1, isLast: true });
  const json = JSON.parse(text(part.json));
  expect(json.account).toMatchObject({
    accounts: [{ platform: 'telegram', id: ada.platformUserId }],
    keys: [{ provider: 'openai', lastFour: 'xxxx', state: 'valid' }],
    keysOffered: [{ provider: 'groq', lastFour: 'yyyy' }],
    houseAllowance: [{ turns: 2, spentMicros: 600 }],
    usage: [{ funding: 'house', model: 'm', turns: 2, costMicros: 600 }],
    notesHeld: [{ markdown: 'Your balance is low.' }],
  });
  expect(json.turns).toMatchObject([
    {
      question: { parts: [{ text: 'What is a monad?' }] },
      answer: 'A burrito.',
      state: 'done',
      costMicros: 300,
      chat: { kind: 'direct', id: ada.direct.chatId },
    },
    { answer: 'The same.', chat: { kind: 'group', id: GROUP.chatId } },
    { question: { parts: [{ text: 'this one waits' }] }, answer: null, state: 'queued' },
  ]);
  const readable = text(part.markdown);
  expect(readable).toContain('What is a monad?');
  expect(readable).toContain('A burrito.');
  expect(readable).toContain('Your balance is low.');
  expect(readable).toContain('- openai, ending in xxxx: valid');
  for (const file of [text(part.json), readable]) {
    expect(file).not.toMatch(/xxxxx|yyyyy|sealed"|wrapped|Bob|secret handle/);
    expect(file).not.toContain(bob.platformUserId);
  }
});

test('a long history comes in parts of a bounded size, each a document of its own, nothing twice', async () => {
  const ada = await meet(parts);
  for (let n = 0; n < 25; n += 1) {
    await converse(parts, ada, { question: `number ${n} ${'q'.repeat(900)}`, answer: `a${n}` });
    await database.db.update(turns).set({ sentAt: sql`now()` });
    await database.db.execute(sql`update budgets set turns = 0`);
  }
  const small = createExports({
    db: database.db,
    vault: parts.vault,
    audit: parts.audit,
    partBytes: 5_000,
  });
  const found = await all(ada, small);
  expect(found.length).toBeGreaterThan(4);
  expect(found.map((part) => part.number)).toEqual(found.map((_, index) => index + 1));
  expect(found.map((part) => part.isLast)).toEqual(found.map((_, i) => i === found.length - 1));
  const documents = found.map((part) => JSON.parse(text(part.json)));
  expect(documents.slice(1).every((document) => document.account === undefined)).toBe(true);
  const asked = documents.flatMap((document) =>
    document.turns.map((turn: { answer: string }) => turn.answer),
  );
  expect(asked).toEqual(Array.from({ length: 25 }, (_, n) => `a${n}`));
  for (const part of found) expect(part.json.length).toBeLessThan(8_000);
  // A platform that takes less gets less.
  const tiny = await all(ada, exports, { maxFileBytes: 8_000 });
  expect(tiny.length).toBeGreaterThan(4);
  for (const { json, markdown } of tiny) {
    expect(Math.max(json.length, markdown.length)).toBeLessThanOrEqual(8_000);
  }
});

test('words that were cleared, and words that do not open, are told apart and stop nothing', async () => {
  const ada = await meet(parts);
  const old = await converse(parts, ada, { question: 'old', answer: 'old' });
  const damaged = await converse(parts, ada, { question: 'damaged', answer: 'damaged' });
  await converse(parts, ada, { question: 'fine', answer: 'fine' });
  const { db } = database;
  await db
    .update(turns)
    .set({ finishedAt: sql`now() - interval '99 days'` })
    .where(eq(turns.id, old));
  await clearOldWords(db, 30);
  await db
    .update(turns)
    .set({ input: sql`set_byte(input, 20, 255 - get_byte(input, 20))` })
    .where(eq(turns.id, damaged));
  const [part] = await all(ada);
  const json = JSON.parse(text(part?.json ?? new Uint8Array()));
  expect(json.turns).toMatchObject([
    { words: 'cleared', question: null, chat: null, costMicros: 300 },
    { words: 'unreadable', question: null },
    { words: 'here', answer: 'fine' },
  ]);
});

test('somebody of whom nothing is known yet gets a file that says so', async () => {
  const [part] = await all(await meet(parts));
  expect(JSON.parse(text(part?.json ?? new Uint8Array())).turns).toEqual([]);
  expect(text(part?.markdown ?? new Uint8Array())).toContain('None.');
});

test('two exports a day, also when asked for at once; one that failed does not count', async () => {
  const ada = await meet(parts);
  const claims = await Promise.all(Array.from({ length: 6 }, () => exports.claim(ada.userId)));
  const granted = claims.filter((claim) => claim.result === 'granted');
  expect(granted).toHaveLength(2);
  const [first] = granted;
  if (first?.result !== 'granted') throw new Error('none');
  const refused = await exports.claim(ada.userId);
  expect(refused).toEqual({
    result: 'too-often',
    nextAt: new Date(clock.getTime() + 86_400_000),
  });
  clock = new Date(clock.getTime() + 86_400_000);
  expect((await exports.claim(ada.userId)).result).toBe('granted');
  clock = new Date(clock.getTime() + 1);
  const again = await exports.claim(ada.userId);
  if (again.result !== 'granted') throw new Error('refused');
  await exports.giveBack(ada.userId, again.at);
  clock = new Date(clock.getTime() + 1);
  expect((await exports.claim(ada.userId)).result).toBe('granted');
  expect((await exports.claim(ada.userId)).result).toBe('too-often');
});
