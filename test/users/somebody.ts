/** Somebody of whom every table knows something, made by the parts that the bot itself uses. */

import { randomUUID } from 'node:crypto';
import { createIdentities, type Identities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import { createPrivateNotices, type PrivateNotices } from '../../src/chat/private-notices.ts';
import { encodeTurnInput } from '../../src/chat/turn-input.ts';
import type { Database } from '../../src/db/client.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { apiKeys, deliveries, turns } from '../../src/db/schema.ts';
import { createRedeeming } from '../../src/funding/redeeming.ts';
import { createVouchers } from '../../src/funding/vouchers.ts';
import { type Audit, createAudit } from '../../src/keys/audit.ts';
import { countKeyCheck } from '../../src/keys/key-check-limit.ts';
import { createKeyPrompts } from '../../src/keys/key-prompts.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { createPastedKeys } from '../../src/keys/pasted-keys.ts';
import { createVault, type Vault } from '../../src/keys/vault.ts';
import { createMailbox, type Mailbox } from '../../src/queue/mailbox.ts';
import { Secret } from '../../src/secret.ts';
import { restoreLimits } from '../../src/users/kept-limits.ts';
import { makeRing } from '../support/key-ring.ts';
import { type HouseLedger, houseLedger } from '../support/ledger.ts';
import { createScriptedPlatform } from '../support/scripted-platform.ts';
import { settleAlone } from '../support/settle.ts';

export interface Parts {
  readonly db: Database;
  readonly ring: KeyRing;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly identities: Identities;
  readonly mailbox: Mailbox;
  readonly allowance: HouseLedger;
  readonly privateNotices: PrivateNotices;
}

export async function createParts(db: Database, given?: KeyRing): Promise<Parts> {
  const ring = given ?? (await makeRing());
  const vault = createVault({ db, ring });
  return {
    db,
    ring,
    audit: createAudit({ db, ring }),
    vault,
    privateNotices: createPrivateNotices({
      db,
      vault,
      sender: () => createScriptedPlatform().sender,
    }),
    identities: createIdentities({
      db,
      onMade: (tx, identity, userId) => restoreLimits(tx, ring, identity, userId),
    }),
    mailbox: createMailbox({ db, limit: 10 }),
    allowance: houseLedger({
      db,
      limits: { turnsPerDay: 5, microsPerDay: 1_000_000, houseMicrosPerDay: 1e12 },
    }),
  };
}

let lastId = 7_000_000;
let lastMessage = 100;

function newId(): string {
  lastId += 1;
  return String(lastId);
}

export interface Somebody {
  readonly platformUserId: string;
  readonly userId: number;
  readonly direct: ChatAddress;
}

/** A person with a direct chat, and nothing else yet. */
export async function meet({ identities }: Parts, platformUserId = newId()): Promise<Somebody> {
  const direct: ChatAddress = { platform: 'telegram', chatId: platformUserId, kind: 'direct' };
  return { platformUserId, userId: await identities.userOf('telegram', platformUserId), direct };
}

/** Puts a turn into the mailbox. */
export async function ask(
  { identities, vault, mailbox }: Parts,
  who: Somebody,
  text: string,
  chat: ChatAddress = who.direct,
  followsTurnId?: number,
) {
  const { id: chatId, conversation } = await identities.chatOf(chat);
  const rowKey = randomUUID();
  lastMessage += 1;
  const replyTo = String(lastMessage);
  const input = encodeTurnInput({
    authorName: 'Ada',
    replyHandle: 'a secret handle',
    parts: [{ messageId: replyTo, text, files: [] }],
  });
  const accepted = await mailbox.accept({
    platform: chat.platform,
    platformChatId: chat.chatId,
    messageId: replyTo,
    userId: who.userId,
    platformUserId: who.platformUserId,
    chatId,
    conversation,
    rowKey,
    input: await vault.seal(who.userId, { purpose: 'turn-input', row: rowKey }, input),
    sentAt: new Date(),
    sentOrder: Number(replyTo),
    replyTo,
    followsTurnId,
    isPrivate: false,
    mergeKey: undefined,
    waitMs: 0,
  });
  if (accepted.result !== 'accepted') throw new Error(accepted.result);
  return { turnId: accepted.turnId, rowKey };
}

/** Claims the head of the line and reserves the house's money, as a worker does. */
export async function begin(parts: Parts, who: Somebody) {
  const claim = await parts.mailbox.claim(who.userId, 'test', 60_000);
  if (claim === undefined) throw new Error('nothing to claim');
  const reserved = await parts.allowance.reserve({
    ...claim,
    userId: who.userId,
    inputMicros: 1_000,
    outputMicrosPerMillion: 1_000_000,
    maxOutputTokens: 4_000,
  });
  await parts.db
    .update(turns)
    .set({ calledAt: new Date(), funding: 'house', provider: 'openai', model: 'm' })
    .where(eq(turns.id, claim.turnId));
  return { ...claim, reserved };
}

/** A turn from its question to its delivered answer, paid by the house. */
export async function converse(
  parts: Parts,
  who: Somebody,
  words: { readonly question: string; readonly answer: string },
  chat?: ChatAddress,
  followsTurnId?: number,
): Promise<number> {
  const { turnId, rowKey } = await ask(parts, who, words.question, chat, followsTurnId);
  const claim = await begin(parts, who);
  const answer = await parts.vault.seal(
    who.userId,
    { purpose: 'turn-answer', row: rowKey },
    words.answer,
  );
  await parts.db
    .update(turns)
    .set({ answer, answeredAt: new Date(), inputTokens: 10, outputTokens: 20, costMicros: 300 })
    .where(eq(turns.id, turnId));
  await settleAlone(
    parts.db,
    parts.allowance.settlement({ ...claim, spentMicros: 300, answered: true }),
  );
  await parts.db.insert(deliveries).values({ turnId, part: 0, messageId: String(turnId + 50_000) });
  await parts.mailbox.finish(claim, 'done', null);
  return turnId;
}

/** Everything at once. */
export async function furnish(parts: Parts, who: Somebody, group: ChatAddress): Promise<void> {
  const { db, vault } = parts;
  const now = () => new Date();
  await converse(parts, who, { question: 'What is a monad?', answer: 'A burrito.' });
  await converse(parts, who, { question: 'And in the group?', answer: 'The same.' }, group);
  await db.insert(apiKeys).values({
    userId: who.userId,
    provider: 'openai',
    sealed: await vault.seal(who.userId, { purpose: 'api-key', row: 'openai:1' }, 'x'.repeat(40)),
    hint: 'xxxx',
    state: 'valid',
  });
  await createPastedKeys({ db, vault, audit: parts.audit, now }).keepPasted(
    who.userId,
    'groq',
    new Secret('y'.repeat(40)),
  );
  await createKeyPrompts({ db, now }).openPrompt(
    { platform: 'telegram', platformUserId: who.platformUserId },
    null,
  );
  await countKeyCheck(db, who.userId, now());
  const [code = ''] =
    (await createVouchers({ db, ring: parts.ring }).create({
      name: randomUUID(),
      count: 1,
      micros: 1_000_000,
      uses: 1,
      expiresAt: new Date(Date.now() + 86_400_000),
      models: [],
      createdBy: 'test',
    })) ?? [];
  await createRedeeming({ db, ring: parts.ring }).redeem(
    { platform: 'telegram', platformUserId: who.platformUserId },
    code,
  );
  await parts.privateNotices.hold('discord', who.userId, { markdown: 'Your balance is low.' });
  await ask(parts, who, 'this one waits');
}

/** How many rows of each table hold the text anywhere, tables without any left out. */
export async function rowsNaming(db: Database, text: string): Promise<Record<string, number>> {
  const tables = await db.execute<{ name: string }>(sql`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`);
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const [row] = await db.execute<{ n: number }>(sql`
      select count(*)::int as n from ${sql.identifier(name)} t
      where t::text ~ ${`(^|[^0-9])${text}([^0-9]|$)`}`);
    if (row !== undefined && row.n > 0) found[name] = row.n;
  }
  return found;
}
