import { chmod, chown, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eq, sql } from '../../src/db/drizzle.ts';
import { apiKeys, dataKeys } from '../../src/db/schema.ts';
import { createApiKeys } from '../../src/keys/api-keys.ts';
import { verifyAudit } from '../../src/keys/audit-chain.ts';
import { type KeyRing, KeyRingError } from '../../src/keys/key-ring.ts';
import type { KeyRingAdmin, RotationProgress } from '../../src/keys/key-ring-admin.ts';
import { createFileKeeper, type WriteStep } from '../../src/keys/key-ring-edit.ts';
import { loadKeyRing } from '../../src/keys/local-key-ring.ts';
import { rewrapFrom } from '../../src/keys/rewrap.ts';
import { createVault, VaultError } from '../../src/keys/vault.ts';
import { Secret } from '../../src/secret.ts';
import { waitFor } from '../support/wait-for.ts';
import { createRingStage, PLACE, type RingStage, type RunningProcess } from './ring-stage.ts';
import { SAMPLES } from './sample-keys.ts';

let stage: RingStage;
let bot: RunningProcess;
let shell: RunningProcess;

beforeEach(async () => {
  stage = await createRingStage();
  bot = await stage.process();
  shell = await stage.process();
});
afterEach(() => stage.close());

const never = new AbortController().signal;
function rotate(
  admin: KeyRingAdmin = shell.admin,
  options: {
    readonly to?: string;
    readonly signal?: AbortSignal;
    readonly onProgress?: (progress: RotationProgress) => void;
  } = {},
) {
  return admin.rotate({ signal: never, onProgress: () => undefined, ...options });
}
const kids = async () => {
  const rows = await stage.database.db.select({ kid: dataKeys.kid }).from(dataKeys);
  return [...new Set(rows.map(({ kid }) => kid))];
};
const statusOf = async (kid: string) =>
  (await shell.admin.status()).find((kek) => kek.kid === kid)?.state;
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'done',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KeyRingError);
  return error instanceof Error ? error.message : '';
}

test('a rotation brings every row to a new key, and everything opens as before', async () => {
  const people = await stage.people(bot.vault, 150);
  const { active: old } = await stage.readRing();
  const progress: RotationProgress[] = [];
  const result = await rotate(shell.admin, { onProgress: (now) => progress.push(now) });
  expect(result).toMatchObject({ rewrapped: 150, failed: 0, lost: 0, resumed: false });
  expect(await kids()).toEqual([result.kid]);
  expect(result.kid).not.toBe(old);
  expect(progress.at(-1)).toMatchObject({ done: 150, total: 150 });
  for (const { id, sealed } of people) {
    expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
  }
  expect(await shell.admin.status()).toEqual([
    { kid: old, state: 'unused', rows: 0, lost: 0 },
    { kid: result.kid, state: 'active', rows: 150, lost: 0 },
  ]);
  const trail = await verifyAudit({ db: stage.database.db, ring: shell.ring });
  expect(trail).toMatchObject({ rows: 2, faults: [] });
});

test('a running process sees the new ring without a restart, for old users and new ones', async () => {
  const [person] = await stage.people(bot.vault, 1);
  const { kid } = await rotate();
  await stage.people(bot.vault, 1);
  expect(await kids()).toEqual([kid]);
  expect(await bot.vault.open(person?.id ?? 0, PLACE, person?.sealed ?? Buffer.of())).toMatch(/of/);
});

test('a running process looks at the file by itself', async () => {
  const watching = await stage.process({ everyMs: 5 });
  const ring = await stage.readRing();
  await stage.writeRing({ ...ring, active: 'nowhere' });
  await waitFor(() => watching.problems.length > 0);
  expect(String(watching.problems[0])).toContain('its active key nowhere is not in it');
});

test('a file that can not be used leaves the ring before it in use, and is told once', async () => {
  const people = await stage.people(bot.vault, 1);
  const ring = await stage.readRing();
  for (const bad of [
    { ...ring, keys: {} },
    { ...ring, fingerprint: Buffer.alloc(32, 7).toString('base64url') },
  ]) {
    await stage.writeRing(bad);
    for (const _ of [1, 2, 3]) await bot.ring.refresh();
    await stage.people(bot.vault, 1);
  }
  expect(bot.problems).toHaveLength(2);
  expect(String(bot.problems[1])).toContain('another installation');
  for (const { id, sealed } of people) {
    expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
  }
});

test('a rotation that was stopped goes on where it was, with the same key', async () => {
  await stage.people(bot.vault, 200);
  const stop = new AbortController();
  const first = await rotate(shell.admin, {
    signal: stop.signal,
    onProgress: ({ done }) => done >= 50 && stop.abort(),
  });
  expect(first.stopped).toBe(true);
  expect(first.rewrapped).toBeGreaterThanOrEqual(50);
  expect(first.rewrapped).toBeLessThan(200);
  expect(await kids()).toHaveLength(2);

  const second = await rotate();
  expect(second).toMatchObject({ kid: first.kid, resumed: true, stopped: false });
  expect(first.rewrapped + second.rewrapped).toBe(200);
  expect(await kids()).toEqual([first.kid]);
  expect(await rotate()).toMatchObject({ resumed: false, rewrapped: 200 });
});

test('a rotation that died right after the new ring was written goes on with that key', async () => {
  await stage.people(bot.vault, 5);
  const kid = await createFileKeeper({ file: stage.file }).promote(undefined);
  expect(await rotate()).toMatchObject({ kid, resumed: true, rewrapped: 5 });
});

test('a key can be added first, for copies on other machines, and become active later', async () => {
  await stage.people(bot.vault, 3);
  const kid = await shell.admin.add();
  expect(await statusOf(kid)).toBe('unused');
  expect(await rotate(shell.admin, { to: kid })).toMatchObject({ kid, rewrapped: 3 });
  expect(Object.keys((await stage.readRing()).keys)).toHaveLength(2);
  expect(await refusal(rotate(shell.admin, { to: 'nowhere' }))).toContain('holds no key nowhere');
});

describe('retiring', () => {
  test('removes an unused key, and never one in use or the active one', async () => {
    const [person] = await stage.people(bot.vault, 1);
    const { active: old } = await stage.readRing();
    expect(await refusal(shell.admin.retire(old))).toContain('is the active one');
    const next = await shell.admin.add();
    await createFileKeeper({ file: stage.file }).promote(next);
    expect(await refusal(shell.admin.retire(old))).toContain('in use by 1 row');
    expect(await refusal(shell.admin.retire('k-0'))).toContain('holds no key k-0');
    await rotate();
    expect(await shell.admin.retire(old)).toEqual([old]);
    expect(Object.keys((await stage.readRing()).keys)).toEqual([next]);
    expect(await bot.vault.open(person?.id ?? 0, PLACE, person?.sealed ?? Buffer.of())).toMatch(
      /of/,
    );
  });

  test('a process whose ring is older keeps nothing under a retired key', async () => {
    const { active } = await stage.readRing();
    // As on another machine, whose copy of the file nobody has renewed.
    const { ring: stale } = await loadKeyRing({ file: stage.file, hasSealedRows: false });
    await rotate();
    await shell.admin.retire(active);
    const vault = createVault({ db: stage.database.db, ring: stale });
    expect(await refusal(vault.seal(await stage.user(), PLACE, 'x'))).toContain('out of date');
    expect(await stage.database.db.select().from(dataKeys)).toEqual([]);
  });
});

test('replace, delete, use and rotation at the same time stay right', async () => {
  const keysOf = (running: RunningProcess) =>
    createApiKeys({
      db: stage.database.db,
      vault: running.vault,
      audit: running.audit,
      providers: () => ({ checkKey: async () => ({ result: 'valid' }) }),
    });
  const keys = keysOf(bot);
  const others = keysOf(await stage.process());
  const people = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const id = await stage.user();
      const key = SAMPLES.openai();
      await keys.add(id, 'openai', new Secret(key));
      return { id, newest: key };
    }),
  );
  let rotating = true;
  const rotations = (async () => {
    for (let i = 0; i < 6; i += 1) await rotate();
    rotating = false;
  })();
  const work = people.map(async (person, i) => {
    do {
      if (i % 4 === 0) {
        const key = SAMPLES.openai();
        await stage.database.db.execute(sql`delete from key_checks`);
        await others.add(person.id, 'openai', new Secret(key));
        person.newest = key;
      } else if (i % 4 === 1) {
        for (const key of await others.list(person.id)) await others.removeKey(person.id, key);
        person.newest = '';
      } else if (i % 4 === 2) {
        // Forgotten as a whole.
        await stage.database.db.delete(apiKeys).where(eq(apiKeys.userId, person.id));
        await stage.database.db.delete(dataKeys).where(eq(dataKeys.userId, person.id));
        person.newest = '';
      }
      const used = await keys.keyFor(person.id, 'openai');
      expect(used?.apiKey.reveal() ?? '').toBe(person.newest);
    } while (rotating);
  });
  await Promise.all([rotations, ...work]);
  const { kid } = await rotate();
  expect(await kids()).toEqual([kid]);
  const fresh = keysOf(await stage.process());
  for (const { id, newest } of people) {
    expect((await fresh.keyFor(id, 'openai'))?.apiKey.reveal() ?? '').toBe(newest);
  }
  const forgotten = people.filter((_, i) => i % 4 === 2).map(({ id }) => id);
  const rows = await stage.database.db.select({ userId: dataKeys.userId }).from(dataKeys);
  expect(rows.filter(({ userId }) => forgotten.includes(userId))).toEqual([]);
  expect((await verifyAudit({ db: stage.database.db, ring: shell.ring })).faults).toEqual([]);
}, 60_000);

describe('a disk that is full', () => {
  test.each(['open', 'write', 'sync', 'rename'] as const)(
    'at "%s" leaves the ring as it was, and the rotation is done the next time',
    async (step: WriteStep) => {
      const people = await stage.people(bot.vault, 3);
      const before = await stage.readRing();
      const full = await stage.process({
        onWrite(now) {
          if (now === step) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        },
      });
      expect(await refusal(rotate(full.admin))).toContain('The disk is full');
      expect(await stage.readRing()).toEqual(before);
      expect(await readdir(stage.folder)).toEqual(['key-ring.json']);
      await rotate();
      for (const { id, sealed } of people) {
        expect(await bot.vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
      }
    },
  );

  test('of the database stops the rotation where it is, and it goes on the next time', async () => {
    await stage.people(bot.vault, 100);
    await stage.database.db.execute(sql`
      create function full_disk() returns trigger language plpgsql as $$
      begin
        if (select count(*) from data_keys where version > 1) >= 40 then
          raise exception 'could not extend file' using errcode = 'disk_full';
        end if;
        return new;
      end $$`);
    await stage.database.db.execute(
      sql`create trigger full_disk before update on data_keys for each row execute function full_disk()`,
    );
    await expect(rotate()).rejects.toMatchObject({ code: '53100' });
    expect(await kids()).toHaveLength(2);
    await stage.database.db.execute(sql`drop trigger full_disk on data_keys`);
    const { kid, resumed } = await rotate();
    expect(resumed).toBe(true);
    expect(await kids()).toEqual([kid]);
  });
});

test('what does not open is left as it is, and the rest goes on', async () => {
  const people = await stage.people(bot.vault, 10);
  const [tampered, foreign] = people;
  const { db } = stage.database;
  await db
    .update(dataKeys)
    .set({ wrapped: sql`jsonb_set(${dataKeys.wrapped}, '{tag}', '"AAAAAAAAAAAAAAAAAAAAAA"')` })
    .where(eq(dataKeys.userId, tampered?.id ?? 0));
  const [other] = await db
    .select()
    .from(dataKeys)
    .where(eq(dataKeys.userId, people[5]?.id ?? 0));
  await db
    .update(dataKeys)
    .set({ wrapped: other?.wrapped })
    .where(eq(dataKeys.userId, foreign?.id ?? 0));
  const before = await db
    .select()
    .from(dataKeys)
    .where(eq(dataKeys.userId, tampered?.id ?? 0));
  expect(await rotate()).toMatchObject({ rewrapped: 8, failed: 2, stopped: false });
  expect(
    await db
      .select()
      .from(dataKeys)
      .where(eq(dataKeys.userId, tampered?.id ?? 0)),
  ).toEqual(before);
  await expect(
    bot.vault.open(tampered?.id ?? 0, PLACE, tampered?.sealed ?? Buffer.of()),
  ).rejects.toBeInstanceOf(VaultError);
  // Not for ever "unfinished": the next rotation is a new one.
  expect(await rotate()).toMatchObject({ resumed: false, rewrapped: 8, failed: 2 });
});

test('a data key that is made anew while the old one is rewrapped is not overwritten by it', async () => {
  const [person] = await stage.people(bot.vault, 1);
  const userId = person?.id ?? 0;
  const { db } = stage.database;
  const { active: old } = await stage.readRing();
  let sealed: Uint8Array | undefined;
  const { ring: before } = await loadKeyRing({ file: stage.file, hasSealedRows: false });
  await createFileKeeper({ file: stage.file }).promote(undefined);
  await rewrapFrom(
    {
      db,
      ring: {
        ...shell.ring,
        async wrap(dataKey, context) {
          const wrapped = await shell.ring.wrap(dataKey, context);
          await db.delete(dataKeys).where(eq(dataKeys.userId, userId));
          sealed = await createVault({ db, ring: before }).seal(userId, PLACE, 'newer');
          return wrapped;
        },
      },
    },
    [old],
    { signal: never, onRow: (outcome) => expect(outcome).toBe('gone') },
  );
  const fresh = await stage.process();
  expect(await fresh.vault.open(userId, PLACE, sealed ?? Buffer.of())).toBe('newer');
});

test('a user who is forgotten while their data key is rewrapped stays forgotten', async () => {
  await stage.people(bot.vault, 1);
  const { db } = stage.database;
  const { active: old } = await stage.readRing();
  await createFileKeeper({ file: stage.file }).promote(undefined);
  const ring: KeyRing = {
    ...shell.ring,
    async wrap(dataKey, context) {
      await db.delete(dataKeys);
      return shell.ring.wrap(dataKey, context);
    },
  };
  const outcomes: string[] = [];
  await rewrapFrom({ db, ring }, [old], {
    signal: never,
    onRow: (outcome) => outcomes.push(outcome),
  });
  expect(outcomes).toEqual(['gone']);
  expect(await db.select().from(dataKeys)).toEqual([]);
});

test('a ring that did not take the new key over ends the rotation instead of turning for ever', async () => {
  await stage.people(bot.vault, 1);
  const { active } = await stage.readRing();
  const { ring } = await loadKeyRing({ file: stage.file, hasSealedRows: false });
  const { db } = stage.database;
  const rewrapping = rewrapFrom({ db, ring }, [active], { signal: never, onRow: () => undefined });
  expect(await refusal(rewrapping)).toContain('still wraps by');
});

test('a ring that lost a key rotates what it can open, and says how many it can not', async () => {
  await stage.people(bot.vault, 2);
  const whole = await stage.readRing();
  await rotate();
  await stage.people(bot.vault, 3);
  const { active, keys } = await stage.readRing();
  await stage.writeRing({ ...whole, keys: { ...whole.keys } });
  const { [active]: _gone, ...rest } = keys;
  expect(Object.keys(rest)).toHaveLength(1);
  expect(await statusOf(active)).toBe('lost');
  await stage.people(await stage.process().then((p) => p.vault), 4);
  expect(await rotate()).toMatchObject({ rewrapped: 4, lost: 5 });
  expect(await refusal(shell.admin.retire(active))).toContain('holds no key');
});

describe('the new file', () => {
  test('is closed to others, and stays behind a link', async () => {
    const link = join(stage.folder, 'link.json');
    await symlink(stage.file, link);
    await createFileKeeper({ file: link }).promote(undefined);
    expect((await stat(stage.file)).mode & 0o777).toBe(0o600);
    expect(Object.keys((await stage.readRing()).keys)).toHaveLength(2);
    expect((await readdir(stage.folder)).sort()).toEqual(['key-ring.json', 'link.json']);
  });

  test.runIf(process.geteuid?.() === 0)('belongs to whom the old one belonged', async () => {
    await chown(stage.file, 12_345, 12_346);
    await createFileKeeper({ file: stage.file }).promote(undefined);
    expect(await stat(stage.file)).toMatchObject({ uid: 12_345, gid: 12_346 });
  });

  test('is not made beside one that is refused', async () => {
    await chmod(stage.file, 0o644);
    expect(await refusal(rotate())).toContain('chmod 600');
    expect(await readdir(stage.folder)).toEqual(['key-ring.json']);
  });
});
