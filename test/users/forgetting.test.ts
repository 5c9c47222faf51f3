import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ChatAddress } from '../../src/chat/message.ts';
import type { PlatformSender } from '../../src/chat/platform.ts';
import { readContext } from '../../src/conversation/context-window.ts';
import { createDeliveryLog } from '../../src/conversation/delivery-log.ts';
import { createTurnStore, FenceLost } from '../../src/conversation/turn-store.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import {
  budgets,
  dataKeys,
  deliveries,
  forgottenUsage,
  inbox,
  messageDeletions,
  tombstones,
  users,
} from '../../src/db/schema.ts';
import { countKeyCheck } from '../../src/keys/key-check-limit.ts';
import { readTombstones, writeTombstones } from '../../src/keys/tombstones.ts';
import { createVault, VaultError } from '../../src/keys/vault.ts';
import { TABLES_OF_A_USER } from '../../src/users/erasure.ts';
import { createForgetting, FORGET_PROMPT_MS, type Forgetting } from '../../src/users/forgetting.ts';
import { createMessageDeletions } from '../../src/users/message-deletions.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
import {
  ask,
  begin,
  converse,
  createParts,
  furnish,
  meet,
  type Parts,
  rowsNaming,
  type Somebody,
} from './somebody.ts';

let database: TestDatabase;
let parts: Parts;
let folder: string;
let file: string;
let clock: Date;
let forgetting: Forgetting;
let deletedThere: string[];
const errors: unknown[] = [];

const GROUP: ChatAddress = { platform: 'telegram', chatId: '-100777', kind: 'group' };

beforeAll(async () => {
  database = await createTestDatabase();
  parts = await createParts(database.db);
  folder = await mkdtemp(join(tmpdir(), 'latchkey-forget-'));
});
afterAll(async () => {
  await database?.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  clock = new Date();
  file = join(folder, `tombstones-${Math.random()}.jsonl`);
  deletedThere = [];
  errors.length = 0;
  forgetting = create(deletions());
});

function deletions(answer = (ids: readonly string[]) => ids.length) {
  const sender: Pick<PlatformSender, 'deleteMessages'> = {
    deleteMessages: async (_chat, ids) => {
      deletedThere.push(...ids);
      return answer(ids);
    },
  };
  return createMessageDeletions({
    db: database.db,
    sender: () => sender,
  });
}

function create(toDelete: ReturnType<typeof deletions>): Forgetting {
  return createForgetting({
    db: database.db,
    audit: parts.audit,
    ring: parts.ring,
    deletions: toDelete,
    tombstoneFile: file,
    onError: (error) => errors.push(error),
    now: () => clock,
  });
}

async function forget(who: Somebody) {
  const { token } = await forgetting.ask(who.userId);
  return forgetting.confirm(who.userId, token, place(who));
}

const place = (who: Somebody) => ({
  directChat: { platform: 'telegram' as const, chatId: who.direct.chatId },
  messageId: undefined,
});

describe('/forget leaves nothing behind', () => {
  test('no row of any table names the account or the user, and the other user keeps all', async () => {
    const ada = await meet(parts);
    const bob = await meet(parts);
    await furnish(parts, ada, GROUP);
    await furnish(parts, bob, GROUP);
    const bobsBefore = await rowsNaming(database.db, bob.platformUserId);
    expect(Object.keys(await rowsNaming(database.db, ada.platformUserId))).toEqual(
      expect.arrayContaining(['chats', 'identities', 'inbox', 'key_prompts', 'turns']),
    );

    const forgotten = await forget(ada);
    expect(forgotten).toMatchObject({ tooOld: 0 });
    // The address stands until the messages there are deleted.
    expect(Object.keys(await rowsNaming(database.db, ada.platformUserId))).toEqual([
      'message_deletions',
    ]);
    await forgetting.resume();
    expect(await rowsNaming(database.db, ada.platformUserId)).toEqual({});
    expect(deletedThere).toHaveLength(1);

    for (const name of TABLES_OF_A_USER) {
      const isByAccount = ['key_prompts', 'link_attempts', 'link_codes'].includes(name);
      const column = isByAccount ? 'platform_user_id' : 'user_id';
      const value = isByAccount ? ada.platformUserId : ada.userId;
      const [row] = await database.db.execute<{ n: number }>(sql`
        select count(*)::int as n from ${sql.identifier(name)}
        where ${sql.identifier(column)}::text = ${String(value)}`);
      expect({ name, n: row?.n }).toEqual({ name, n: 0 });
    }
    expect(await database.db.select().from(users).where(eq(users.id, ada.userId))).toEqual([]);
    expect(await rowsNaming(database.db, bob.platformUserId)).toEqual(bobsBefore);
  });

  test('every table that names a user is one that forgetting deals with', async () => {
    const rows = await database.db.execute<{ name: string }>(sql`
      select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name ~ '(user_id|owner_id|member_id)$'
        and table_name not like 'bull%'
      union
      select conrelid::regclass::text from pg_constraint
      where contype = 'f' and confrelid = 'users'::regclass
      order by 1`);
    expect(rows.map((row) => row.name)).toEqual(TABLES_OF_A_USER);
  });

  test('what is sealed does not open any more, in any process that was told', async () => {
    const ada = await meet(parts);
    const binding = { purpose: 'turn-input', row: 'r' } as const;
    const sealed = await parts.vault.seal(ada.userId, binding, 'words');
    // A process that holds the data key in memory, and one that does not.
    const holding = createVault({ db: database.db, ring: parts.ring });
    expect(await holding.open(ada.userId, binding, sealed)).toBe('words');
    const told: string[] = [];
    const unlisten = await database.listen('latchkey_forgotten', (id) => {
      told.push(id);
      holding.forget(Number(id));
    });
    await forget(ada);
    await waitFor(() => told.includes(String(ada.userId)));
    await unlisten();
    const fresh = createVault({ db: database.db, ring: parts.ring });
    for (const vault of [holding, fresh]) {
      await expect(vault.open(ada.userId, binding, sealed)).rejects.toThrow(VaultError);
      // Nor is a data key made anew for somebody who is gone.
      await expect(vault.seal(ada.userId, binding, 'more')).rejects.toThrow();
    }
    expect(
      await database.db.select().from(dataKeys).where(eq(dataKeys.userId, ada.userId)),
    ).toEqual([]);
  });

  test('what answers cost stays for the books, under a name that leads nowhere', async () => {
    const ada = await meet(parts);
    await converse(parts, ada, { question: 'q', answer: 'a' });
    await converse(parts, ada, { question: 'q2', answer: 'a2' });
    const before = await database.db.select().from(forgottenUsage);
    await forget(ada);
    const rows = (await database.db.select().from(forgottenUsage)).filter(
      (row) => !before.some((old) => old.id === row.id),
    );
    expect(rows).toMatchObject([
      {
        turns: 2,
        funding: 'house',
        model: 'm',
        costMicros: 600,
        houseMicros: 600,
        outputTokens: 40,
      },
    ]);
    expect(rows[0]?.pseudonym).toMatch(/^forgotten-[\w-]{16}$/);
    expect(rows[0]?.pseudonym).not.toContain(parts.ring.pseudonym(`user:${ada.userId}`));
  });

  test('what others replied to it leads nowhere: their conversation begins anew, and goes on', async () => {
    const ada = await meet(parts);
    const bob = await meet(parts);
    const words = (text: string) => ({ question: `${text}?`, answer: `${text}!` });
    const first = await converse(parts, bob, words('first'), GROUP);
    const adas = await converse(parts, ada, words('hers'), GROUP, first);
    const second = await converse(parts, bob, words('second'), GROUP, adas);
    const { id: chatId, conversation } = await parts.identities.chatOf(GROUP);
    const contextAfter = async (chainEnd: number) => {
      const messages = await readContext(parts, {
        chatId,
        conversation,
        kind: 'group',
        chainEnd,
        turnId: Number.MAX_SAFE_INTEGER,
        privateTurnsOf: undefined,
        budgetTokens: 10_000,
        countTokens: (text) => text.length,
      });
      return messages.flatMap(({ role, content }) =>
        role === 'assistant' ? content.map((part) => (part.type === 'text' ? part.text : '')) : [],
      );
    };
    expect(await contextAfter(second)).toEqual(['first!', 'hers!', 'second!']);
    await forget(ada);
    expect(await contextAfter(adas)).toEqual([]);
    expect(await contextAfter(second)).toEqual(['second!']);
    const third = await converse(parts, bob, words('third'), GROUP, second);
    expect(await contextAfter(third)).toEqual(['second!', 'third!']);
  });

  test('a message in a group that was dealt with is not answered when it comes again', async () => {
    const ada = await meet(parts);
    await converse(parts, ada, { question: 'q', answer: 'a' }, GROUP);
    const [row] = await database.db
      .select()
      .from(inbox)
      .where(eq(inbox.platformChatId, GROUP.chatId))
      .orderBy(sql`received_at desc`)
      .limit(1);
    await forget(ada);
    const [after] = await database.db
      .select()
      .from(inbox)
      .where(eq(inbox.messageId, row?.messageId ?? ''));
    expect(after).toMatchObject({ turnId: null, outcome: 'turn' });
    expect(after?.handledAt).not.toBeNull();
  });
});

describe('the confirmation', () => {
  test('names what goes', async () => {
    const ada = await meet(parts);
    await furnish(parts, ada, GROUP);
    const { belongings } = await forgetting.ask(ada.userId);
    expect(belongings).toEqual({
      keys: [{ provider: 'openai', hint: 'xxxx' }],
      turns: 3,
      open: 1,
      accounts: ['telegram'],
    });
  });

  test('is void after five minutes', async () => {
    const ada = await meet(parts);
    const { token } = await forgetting.ask(ada.userId);
    clock = new Date(clock.getTime() + FORGET_PROMPT_MS);
    expect(await forgetting.confirm(ada.userId, token, place(ada))).toBeUndefined();
    expect(await parts.identities.find('telegram', ada.platformUserId)).toBe(ada.userId);
  });

  test('pressed by somebody else does nothing, to neither of them', async () => {
    const ada = await meet(parts);
    const eve = await meet(parts);
    const { token } = await forgetting.ask(ada.userId);
    await forgetting.ask(eve.userId);
    expect(await forgetting.confirm(eve.userId, token, place(eve))).toBeUndefined();
    for (const who of [ada, eve]) {
      expect(await parts.identities.find('telegram', who.platformUserId)).toBe(who.userId);
    }
  });

  test('pressed many times at once forgets once', async () => {
    const ada = await meet(parts);
    await furnish(parts, ada, GROUP);
    const { token } = await forgetting.ask(ada.userId);
    const results = await Promise.all(
      Array.from({ length: 5 }, () => forgetting.confirm(ada.userId, token, place(ada))),
    );
    expect(results.filter((result) => result !== undefined)).toHaveLength(1);
    // The trail tells it once, of a pseudonym.
    const told = await parts.audit.of([ada.userId], 50);
    expect(told.filter(({ action }) => action === 'user.forgotten')).toHaveLength(1);
  });

  test('of an older question is void once there is a newer, and once it was declined', async () => {
    const ada = await meet(parts);
    const old = await forgetting.ask(ada.userId);
    const newer = await forgetting.ask(ada.userId);
    expect(await forgetting.confirm(ada.userId, old.token, place(ada))).toBeUndefined();
    await forgetting.cancel(ada.userId);
    expect(await forgetting.confirm(ada.userId, newer.token, place(ada))).toBeUndefined();
    expect(await parts.identities.find('telegram', ada.platformUserId)).toBe(ada.userId);
  });
});

describe('forgetting does not renew', () => {
  test('the allowance: who comes back on the same day finds it used, however often', async () => {
    let ada = await meet(parts);
    for (const question of ['1', '2', '3']) {
      await converse(parts, ada, { question, answer: 'a' });
    }
    for (let round = 0; round < 2; round += 1) {
      await forget(ada);
      const again = await meet(parts, ada.platformUserId);
      expect(again.userId).not.toBe(ada.userId);
      expect((await parts.allowance.state(again.userId)).windows[0]).toMatchObject({
        turnsUsed: 3,
        spentMicros: 900,
      });
      ada = again;
    }
    await converse(parts, ada, { question: '4', answer: 'a' });
    await converse(parts, ada, { question: '5', answer: 'a' });
    await ask(parts, ada, '6');
    expect((await begin(parts, ada)).reserved).toEqual({ ok: false, reason: 'turns-used' });
  });

  test('the checks of keys: five a minute, whoever asks', async () => {
    const ada = await meet(parts);
    const check = (userId: number) => countKeyCheck(database.db, userId, new Date());
    for (let n = 0; n < 5; n += 1) expect(await check(ada.userId)).toBeUndefined();
    await forget(ada);
    const again = await meet(parts, ada.platformUserId);
    expect(await check(again.userId)).toBeInstanceOf(Date);
    // Nothing of it is left when the minute is over.
    const later = new Date(Date.now() + 61_000);
    expect(await countKeyCheck(database.db, again.userId, later)).toBeUndefined();
  });

  test('what a running answer may cost: it counts in full', async () => {
    const ada = await meet(parts);
    await ask(parts, ada, 'a long one');
    const claim = await begin(parts, ada);
    const amount = claim.reserved.ok ? claim.reserved.amountMicros : 0;
    expect(amount).toBeGreaterThan(0);
    const [before] = await database.db
      .select()
      .from(budgets)
      .where(eq(budgets.holderKind, 'house'));
    await forget(ada);
    const [after] = await database.db.select().from(budgets).where(eq(budgets.holderKind, 'house'));
    expect((after?.spentMicros ?? 0) - (before?.spentMicros ?? 0)).toBe(amount);
    expect((before?.reservedMicros ?? 0) - (after?.reservedMicros ?? 0)).toBe(amount);
    const again = await meet(parts, ada.platformUserId);
    expect((await parts.allowance.state(again.userId)).windows[0]).toMatchObject({
      turnsUsed: 1,
      spentMicros: amount,
    });
  });
});

describe('a turn that runs while its user is forgotten', () => {
  test('writes nothing afterwards, sends nothing, and is told to stop', async () => {
    const ada = await meet(parts);
    await ask(parts, ada, 'running');
    const claim = await begin(parts, ada);
    const store = createTurnStore({ db: database.db, vault: parts.vault });
    const turn = await store.read(claim);
    const told: string[] = [];
    const unlisten = await database.listen('latchkey_cancel', (id) => void told.push(id));
    await forget(ada);

    await waitFor(() => told.includes(String(claim.turnId)));
    await unlisten();
    const result = { answer: 'late', outcome: null };
    await expect(store.store(turn, result)).rejects.toThrow(FenceLost);
    await expect(store.checkpoint(turn, 'late')).rejects.toThrow(FenceLost);
    const log = createDeliveryLog(database.db, claim);
    await expect(log.begin(0)).rejects.toThrow(FenceLost);
    await log.sent(0, '1');
    expect(
      await database.db.select().from(deliveries).where(eq(deliveries.turnId, claim.turnId)),
    ).toEqual([]);
    expect(await parts.mailbox.extend([claim], 1_000)).toEqual([]);
    expect(await parts.mailbox.finish(claim, 'done', null)).toBeUndefined();
  });

  test('and messages, checks and turns of all others under way: nobody waits for ever', async () => {
    const crowd = await Promise.all(Array.from({ length: 6 }, () => meet(parts)));
    await Promise.all(crowd.map((who) => furnish(parts, who, GROUP)));
    const busy = async (who: Somebody) => {
      for (let n = 0; n < 5; n += 1) {
        try {
          await converse(parts, who, { question: `${n}`, answer: 'a' });
        } catch {
          // Their user is gone in the middle of it.
          return;
        }
      }
    };
    const results = await Promise.all([
      ...crowd.map(busy),
      ...crowd.slice(0, 3).map(async (who) => forget(who)),
    ]);
    expect(results.slice(6).every((result) => result !== undefined)).toBe(true);
    for (const who of crowd.slice(0, 3)) {
      expect(await parts.identities.find('telegram', who.platformUserId)).toBeUndefined();
    }
    const [house] = await database.db.select().from(budgets).where(eq(budgets.holderKind, 'house'));
    expect(house?.reservedMicros).toBeGreaterThanOrEqual(0);
  });
});

describe('what comes after the transaction', () => {
  test('is nothing, when it breaks in the middle: all is as it was, and the button still works', async () => {
    const ada = await meet(parts);
    await furnish(parts, ada, GROUP);
    const before = await rowsNaming(database.db, ada.platformUserId);
    const { token } = await forgetting.ask(ada.userId);
    // The last statement of the transaction fails, as where the connection breaks.
    const broken = create({
      ...deletions(),
      plan: () => Promise.reject(new Error('the connection broke')),
    });
    await expect(broken.confirm(ada.userId, token, place(ada))).rejects.toThrow('broke');
    expect(await rowsNaming(database.db, ada.platformUserId)).toEqual(before);
    expect(await readTombstones(file)).toEqual([]);
    expect(await forgetting.confirm(ada.userId, token, place(ada))).toBeDefined();
  });

  test('deletions on the platform are taken up by another process after a crash, once', async () => {
    await forgetting.resume();
    const ada = await meet(parts);
    await converse(parts, ada, { question: 'q', answer: 'a' });
    // The process dies here: nobody carries out what `forget` has planned.
    const forgotten = await forget(ada);
    expect(forgotten?.deletions).toHaveLength(1);
    const other = deletions();
    const both = await Promise.all([other.carryOut(), other.carryOut()]);
    expect(both.reduce((sum, { deleted }) => sum + deleted, 0)).toBe(1);
    expect(await database.db.select().from(messageDeletions)).toEqual([]);
  });

  test('counts what the platform kept, and what is too old to be deleted', async () => {
    const ada = await meet(parts);
    const turnId = await converse(parts, ada, { question: 'q', answer: 'a' });
    await converse(parts, ada, { question: 'q', answer: 'a' });
    await converse(parts, ada, { question: 'q', answer: 'a' });
    await database.db
      .update(deliveries)
      .set({ at: sql`now() - interval '3 days'` })
      .where(eq(deliveries.turnId, turnId));
    const stubborn = deletions(() => 1);
    forgetting = create(stubborn);
    const forgotten = await forget(ada);
    expect(forgotten).toMatchObject({ tooOld: 1 });
    expect(await stubborn.carryOut({ ids: forgotten?.deletions ?? [] })).toEqual({
      deleted: 1,
      kept: 1,
    });
  });

  test('the tombstone stands in the file, for its owner alone, without a trace of the account', async () => {
    const ada = await meet(parts);
    await forget(ada);
    const [stone] = (await readTombstones(file)).filter(
      (line) => line.user === parts.ring.pseudonym(`user:${ada.userId}`),
    );
    expect(stone?.identities).toHaveLength(1);
    expect(Math.abs((stone?.at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(ada.platformUserId);
  });

  test('a file that can’t be written does not keep anybody from being forgotten; it is written later', async () => {
    const ada = await meet(parts);
    const good = file;
    file = join(folder, 'missing', 'tombstones.jsonl');
    forgetting = create(deletions());
    expect(await forget(ada)).toBeDefined();
    expect(errors).toHaveLength(1);
    file = good;
    await create(deletions()).resume();
    const names = (await readTombstones(file)).map((stone) => stone.user);
    expect(names).toContain(parts.ring.pseudonym(`user:${ada.userId}`));
  });

  test('a line that a power cut left half loses no other, and is written again', async () => {
    const ada = await meet(parts);
    await forget(ada);
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.slice(0, -30));
    const known = await database.db.select().from(tombstones);
    expect(await readTombstones(file)).toHaveLength(known.length - 1);
    expect(await writeTombstones(database.db, file)).toBe(1);
    expect(await readTombstones(file)).toHaveLength(known.length);
    expect(await writeTombstones(database.db, file)).toBe(0);
  });
});
