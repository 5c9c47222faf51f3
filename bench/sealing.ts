/** What it costs that words are sealed: a window of 40 turns of one owner, with and without the database. */

import { randomBytes, randomUUID } from 'node:crypto';
import { createIdentities } from '../src/chat/identities.ts';
import { encodeTurnInput } from '../src/chat/turn-input.ts';
import { readContext } from '../src/conversation/context-window.ts';
import type { Database } from '../src/db/client.ts';
import { turns } from '../src/db/schema.ts';
import { createLocalKeyRing } from '../src/keys/local-key-ring.ts';
import { createVault, type SealBinding } from '../src/keys/vault.ts';
import { finely, finelyWithin, spreadOver, twoColumns, withDatabase } from './embedded.ts';
import type { Spread } from './stats.ts';

/** Turns of a context window; each has a question and an answer. */
const WINDOW = 40;
/** Characters of a question and of an answer, as they come in talk about code. */
const QUESTION = 600;
const ANSWER = 2_400;
/** Milliseconds, median. */
const TARGET_MS = 5;

export interface SealingFigures {
  readonly seal: Spread;
  /** The data key is in memory already. */
  readonly open: Spread;
  /** The data key is read from the database and unwrapped first. */
  readonly openCold: Spread;
  /** As a worker does it for a turn: rows from PostgreSQL, opened, decoded, counted. */
  readonly read: Spread;
  /** The rows alone, sealed as they are. */
  readonly rows: Spread;
}

export function measureSealing({ samples }: { readonly samples: number }): Promise<SealingFigures> {
  return withDatabase((db) => measureIn(db, samples));
}

async function measureIn(db: Database, samples: number): Promise<SealingFigures> {
  const key = () => Uint8Array.from(randomBytes(32));
  const ring = await createLocalKeyRing({
    active: 'bench',
    keys: new Map([['bench', key()]]),
    fingerprintKey: key(),
    auditKey: key(),
  });
  const vault = createVault({ db, ring });
  const identities = createIdentities({ db });
  const userId = await identities.userOf('telegram', '1');
  const chat = await identities.chatOf({ platform: 'telegram', chatId: '1', kind: 'direct' });

  const window = Array.from({ length: WINDOW }, () => {
    const row = randomUUID();
    const input = encodeTurnInput({
      authorName: 'Ada',
      parts: [{ messageId: '1', text: prose(QUESTION), files: [] }],
    });
    return { row, input, answer: prose(ANSWER) };
  });
  type Texts = readonly (readonly [SealBinding, string])[];
  const texts: Texts = window.flatMap(
    ({ row, input, answer }): Texts => [
      [{ purpose: 'turn-input', row }, input],
      [{ purpose: 'turn-answer', row }, answer],
    ],
  );
  const sealAll = () =>
    Promise.all(texts.map(([binding, text]) => vault.seal(userId, binding, text)));
  const sealed = await sealAll();
  await db.insert(turns).values(
    window.map(({ row }, index) => ({
      userId,
      chatId: chat.id,
      conversation: chat.conversation,
      seq: index + 1,
      status: 'done' as const,
      sentAt: new Date(),
      sentOrder: index,
      platformUserId: '1',
      replyTo: '1',
      rowKey: row,
      input: sealed[2 * index] ?? new Uint8Array(),
      answer: sealed[2 * index + 1] ?? null,
      answeredAt: new Date(),
    })),
  );
  const openAll = () =>
    Promise.all(
      texts.map(([binding], index) =>
        vault.open(userId, binding, sealed[index] ?? new Uint8Array()),
      ),
    );
  const readWith = (countTokens: (text: string) => number) =>
    readContext(
      { db, vault },
      {
        chatId: chat.id,
        conversation: chat.conversation,
        kind: 'direct',
        chainEnd: undefined,
        privateTurnsOf: undefined,
        turnId: Number.MAX_SAFE_INTEGER,
        budgetTokens: Number.POSITIVE_INFINITY,
        countTokens,
      },
    );

  const read = await readWith(() => 0);
  if (read.length !== 2 * WINDOW) throw new Error('the window was not read whole');
  return {
    seal: await spreadOver(samples, sealAll),
    open: await spreadOver(samples, openAll),
    openCold: await spreadOver(samples, async () => {
      vault.forget(userId);
      await openAll();
    }),
    read: await spreadOver(samples, () => readWith((text) => text.length)),
    rows: await spreadOver(samples, () =>
      db.select({ input: turns.input, answer: turns.answer }).from(turns),
    ),
  };
}

function prose(characters: number): string {
  return 'const total = rows.reduce((sum, row) => sum + row.price, 0); // naïve, but fine\n'
    .repeat(Math.ceil(characters / 80))
    .slice(0, characters);
}

export function sealingReport(figures: SealingFigures): string {
  return [
    '### Sealing',
    '',
    `A window of ${WINDOW} turns of one owner (${QUESTION} characters of question and ${ANSWER.toLocaleString('en')} of answer each), ${figures.open.count} times.`,
    '',
    ...twoColumns([
      ['Sealing all of it', finely(figures.seal)],
      ['Opening all of it', finelyWithin(figures.open, TARGET_MS)],
      ['… with the data key read and unwrapped first', finely(figures.openCold)],
      ['Reading it from PostgreSQL as context, opened', finely(figures.read)],
      ['Its rows alone, as they are', finely(figures.rows)],
    ]),
  ].join('\n');
}
