import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIdentities } from '../../src/chat/identities.ts';
import type { ChatAddress } from '../../src/chat/message.ts';
import type { Database } from '../../src/db/client.ts';
import { sql } from '../../src/db/drizzle.ts';
import type { Tombstone } from '../../src/keys/tombstones.ts';
import { identityPseudonym, userPseudonym } from '../../src/keys/tombstones.ts';
import { createVault, VaultError } from '../../src/keys/vault.ts';
import { createForgetting } from '../../src/users/forgetting.ts';
import { createMessageDeletions } from '../../src/users/message-deletions.ts';
import { applyTombstones } from '../../src/users/restored.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createParts, furnish, meet, type Parts, rowsNaming, type Somebody } from './somebody.ts';

const GROUP: ChatAddress = { platform: 'telegram', chatId: '-100778', kind: 'group' };

let database: TestDatabase;
let parts: Parts;
beforeAll(async () => {
  database = await createTestDatabase();
  parts = await createParts(database.db);
});
afterAll(() => database?.close());

/** What a dump holds: every row of every table, as JSON. */
type Backup = ReadonlyMap<string, readonly string[]>;

async function tablesOf(db: Database): Promise<readonly string[]> {
  const rows = await db.execute<{ name: string }>(sql`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'`);
  return rows.map((row) => row.name);
}

async function backUp(db: Database): Promise<Backup> {
  const backup = new Map<string, readonly string[]>();
  for (const name of await tablesOf(db)) {
    const rows = await db.execute<{ row: string }>(
      sql`select row_to_json(t)::text as row from ${sql.identifier(name)} t`,
    );
    backup.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return backup;
}

async function restore(db: Database, backup: Backup): Promise<void> {
  await db.transaction(async (tx) => {
    // As pg_restore does it: references are looked at when all is there.
    await tx.execute(sql`set local session_replication_role = replica`);
    for (const [name, rows] of backup) {
      const table = sql.identifier(name);
      await tx.execute(sql`delete from ${table}`);
      for (const row of rows) {
        await tx.execute(sql`
          insert into ${table} overriding system value
          select * from json_populate_record(null::${table}, ${row}::json)`);
      }
    }
  });
}

async function forget(who: Somebody): Promise<void> {
  const forgetting = createForgetting({
    db: database.db,
    audit: parts.audit,
    ring: parts.ring,
    deletions: createMessageDeletions({
      db: database.db,
      sender: () => ({ deleteMessages: async () => 0 }),
    }),
    tombstoneFile: '/dev/null/none',
    onError: () => {},
  });
  const { token } = await forgetting.ask(who.userId);
  await forgetting.confirm(who.userId, token, {
    directChat: { platform: 'telegram', chatId: who.direct.chatId },
    messageId: undefined,
  });
  await forgetting.resume();
}

/** As they would be read from the file beside the key ring. */
async function stones(): Promise<readonly Tombstone[]> {
  const rows = await database.db.execute<{ user: string; identities: string[]; at: string }>(sql`
    select user_pseudonym as user, identity_pseudonyms as identities,
           to_json(forgotten_at)#>>'{}' as at from tombstones`);
  return rows.map((row) => ({ ...row, at: new Date(row.at) }));
}

test('a backup from before /forget brings nobody back: their rows are gone, their words do not open', async () => {
  const ada = await meet(parts);
  const bob = await meet(parts);
  await furnish(parts, ada, GROUP);
  await furnish(parts, bob, GROUP);
  const binding = { purpose: 'turn-input', row: 'r' } as const;
  const words = await parts.vault.seal(ada.userId, binding, 'hers');
  const backup = await backUp(database.db);
  const bobs = await rowsNaming(database.db, bob.platformUserId);
  await forget(ada);
  const known = await stones();
  expect(await rowsNaming(database.db, ada.platformUserId)).toEqual({});

  await restore(database.db, backup);
  const fresh = () => createVault({ db: database.db, ring: parts.ring });
  // The control: without the tombstones, all would be there again.
  expect(await fresh().open(ada.userId, binding, words)).toBe('hers');
  expect(Object.keys(await rowsNaming(database.db, ada.platformUserId))).toContain('identities');
  expect(await stones()).toEqual([]);

  expect(await applyTombstones(database.db, parts.ring, known)).toBe(1);
  expect(await rowsNaming(database.db, ada.platformUserId)).toEqual({});
  await expect(fresh().open(ada.userId, binding, words)).rejects.toThrow(VaultError);
  expect(await rowsNaming(database.db, bob.platformUserId)).toEqual(bobs);
  expect(await stones()).toEqual(known);
  expect(await applyTombstones(database.db, parts.ring, known)).toBe(0);
});

test('who came back after /forget, and was in the backup so, stays', async () => {
  const ada = await meet(parts);
  await forget(ada);
  const again = await meet(parts, ada.platformUserId);
  await furnish(parts, again, GROUP);
  const backup = await backUp(database.db);
  const known = await stones();
  await restore(database.db, backup);
  expect(await applyTombstones(database.db, parts.ring, known)).toBe(0);
  const identities = createIdentities({ db: database.db });
  expect(await identities.find('telegram', ada.platformUserId)).toBe(again.userId);
});

test('a tombstone finds its user by the account, also where that had another number in the backup', async () => {
  const ada = await meet(parts);
  const stone = {
    user: userPseudonym(parts.ring, 999_999),
    identities: [
      identityPseudonym(parts.ring, {
        platform: 'telegram',
        platformUserId: ada.platformUserId,
      }),
    ],
    at: new Date(Date.now() + 1_000),
  };
  expect(await applyTombstones(database.db, parts.ring, [stone])).toBe(1);
  expect(await parts.identities.find('telegram', ada.platformUserId)).toBeUndefined();
});
