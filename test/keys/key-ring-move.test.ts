/** The key ring moves from its file to Vault and back: nobody loses anything, wherever it is stopped. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyRingConfig, VaultConfig } from '../../src/config.ts';
import { connectDatabase } from '../../src/db/client.ts';
import { eq, sql } from '../../src/db/drizzle.ts';
import { dataKeys, lostDataKeys } from '../../src/db/schema.ts';
import { verifyAudit } from '../../src/keys/audit-chain.ts';
import { KeyRingError } from '../../src/keys/key-ring.ts';
import type { Home } from '../../src/keys/key-ring-home.ts';
import { type MoveOptions, moveKeyRing } from '../../src/keys/key-ring-move.ts';
import { openKeyRing } from '../../src/keys/open-key-ring.ts';
import { TransitError } from '../../src/keys/transit-client.ts';
import { createVault } from '../../src/keys/vault.ts';
import { Secret } from '../../src/secret.ts';
import { runAdmin } from '../admin/run-admin.ts';
import { startVaultSimulator, type VaultSimulator } from '../fakes/vault.ts';
import { createRingStage, PLACE, type RingStage, type RunningProcess } from './ring-stage.ts';

let stage: RingStage;
let remote: VaultSimulator;
let bot: RunningProcess;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  [stage, remote] = await Promise.all([createRingStage(), startVaultSimulator()]);
  remote.makeKey('latchkey');
  bot = await stage.process();
  await stage.database.db.execute(
    sql`insert into installation values ('key-ring', ${JSON.stringify(bot.ring.pseudonym('installation'))}::text::jsonb)`,
  );
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await Promise.all([stage.close(), remote.close()]);
});

const vaultConfig = (): VaultConfig => ({
  kind: 'vault',
  address: remote.origin,
  token: new Secret(remote.token),
  mount: 'transit',
  key: 'latchkey',
});
const move = (to: Home, file = stage.file, options: Partial<MoveOptions> = {}) =>
  moveKeyRing({ db: stage.database.db, vault: vaultConfig(), file }, to, {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
  });
/** As a bot does that starts. */
async function start(config: KeyRingConfig = { kind: 'file', file: stage.file }) {
  const { ring } = await openKeyRing({
    db: stage.database.db,
    config,
    mayCreate: true,
    onStep: () => undefined,
    onProblem: () => undefined,
    onClose: (close) => void closers.push(close),
  });
  return { ring, vault: createVault({ db: stage.database.db, ring }) };
}
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'done',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KeyRingError);
  return error instanceof Error ? error.message : '';
}
const kids = async () => {
  const rows = await stage.database.db.select({ kid: dataKeys.kid }).from(dataKeys);
  return [...new Set(rows.map(({ kid }) => kid))].sort();
};
type People = Awaited<ReturnType<RingStage['people']>>;
async function expectAllOpen(people: People, { vault }: Awaited<ReturnType<typeof start>>) {
  for (const { id, sealed } of people) expect(await vault.open(id, PLACE, sealed)).toBe(`of ${id}`);
}
async function expectSameTrail(ring: RunningProcess['ring'] | { auditMac(line: string): string }) {
  const report = await verifyAudit({ db: stage.database.db, ring });
  expect(report.faults).toEqual([]);
  return report.rows;
}

test('to Vault: everything opens as before, names and the trail stay the same, and new users are wrapped there', async () => {
  const people = await stage.people(bot.vault, 20);
  await bot.audit.record({ action: 'key.added', actor: 'user', userId: 1, provider: 'openai' });
  expect(await move('vault')).toEqual({ stopped: false, rewrapped: 20, failed: 0, left: 0 });
  const moved = await start(vaultConfig());
  await expectAllOpen(people, moved);
  expect(moved.ring.pseudonym('1')).toBe(bot.ring.pseudonym('1'));
  await stage.people(moved.vault, 1);
  expect(await kids()).toEqual(['vault-v1']);
  expect(await expectSameTrail(moved.ring)).toBe(3);
  expect(await refusal(move('vault'))).toContain('moved there already');
});

test('and back: to a new file, or to the one of before', async () => {
  const people = await stage.people(bot.vault, 10);
  const before = await readFile(stage.file, 'utf8');
  await move('vault');
  const file = join(stage.folder, 'new.json');
  expect(await move('file', file)).toMatchObject({ rewrapped: 10, left: 0 });
  const back = await start({ kind: 'file', file });
  await expectAllOpen(people, back);
  expect(back.ring.pseudonym('1')).toBe(bot.ring.pseudonym('1'));
  expect(await expectSameTrail(back.ring)).toBe(4);
  const { active } = JSON.parse(await readFile(file, 'utf8'));
  expect(await kids()).toEqual([active]);
  expect(await refusal(start(vaultConfig()))).toContain('was moved to a file');
  // Nothing of the ring stays in Vault's keeping.
  const own = await stage.database.db.execute(
    sql`select name from installation where name = 'key-ring-own-keys'`,
  );
  expect([...own]).toEqual([]);

  for (const close of closers.splice(0)) await close();
  expect(await move('vault', file)).toMatchObject({ rewrapped: 10, left: 0 });
  expect(await move('file')).toMatchObject({ rewrapped: 10, left: 0 });
  expect(await readFile(stage.file, 'utf8')).toBe(before);
  await expectAllOpen(people, await start());
});

describe.each(['vault', 'file'] as const)('a move to %s', (to) => {
  let people: People;
  let file: string;
  beforeEach(async () => {
    people = await stage.people(bot.vault, 64);
    file = stage.file;
    if (to === 'vault') return;
    await move('vault');
    file = join(stage.folder, 'new.json');
  });
  const there = () => (to === 'vault' ? vaultConfig() : { kind: 'file' as const, file });

  test('that was stopped keeps every process from starting, and goes on where it was', async () => {
    const stop = new AbortController();
    const first = await move(to, file, {
      signal: stop.signal,
      onProgress: (done) => done >= 20 && stop.abort(),
    });
    expect(first).toMatchObject({ stopped: true, failed: 0 });
    expect(await kids()).toHaveLength(2);
    expect(await refusal(start())).toContain('is being moved: finish that first');
    expect(await refusal(start(vaultConfig()))).toContain('is being moved: finish that first');
    expect(await refusal(move(to === 'vault' ? 'file' : 'vault', file))).toContain('the other way');
    const second = await move(to, file);
    expect(first.rewrapped + second.rewrapped).toBe(64);
    await expectAllOpen(people, await start(there()));
  });

  test('that Vault’s absence breaks off goes on when it is back', async () => {
    const broken = move(to, file, {
      onProgress: (done) => done >= 20 && remote.behave('sealed'),
    });
    expect(await broken.catch((error: unknown) => error)).toBeInstanceOf(TransitError);
    remote.behave('well');
    expect(await move(to, file)).toMatchObject({ failed: 0, left: 0 });
    await expectAllOpen(people, await start(there()));
  });

  test('is not begun beside a running bot', async () => {
    const before = await kids();
    const { close } = await connectDatabase({ url: stage.database.url });
    expect(await refusal(move(to, file))).toContain('Latchkey is running on this database');
    await close();
    expect(await kids()).toEqual(before);
    await expectAllOpen(people, await start(to === 'vault' ? undefined : vaultConfig()));
  });

  test('leaves what does not open as it is, and brings what was put aside along', async () => {
    const { db } = stage.database;
    const [damaged, aside] = people;
    await db
      .update(dataKeys)
      .set({ wrapped: { vault: 'x' } })
      .where(eq(dataKeys.userId, damaged?.id ?? 0));
    await db.execute(sql`
      with gone as (delete from data_keys where user_id = ${aside?.id ?? 0} returning *)
      insert into lost_data_keys (user_id, kid, wrapped) select user_id, kid, wrapped from gone`);
    expect(await move(to, file)).toMatchObject({ rewrapped: 63, failed: 1, left: 1 });
    const moved = await start(there());
    await expectAllOpen(people.slice(1), moved);
    const [row] = await db.select().from(lostDataKeys);
    expect(row?.kid.startsWith('vault-')).toBe(to === 'vault');
    await expectSameTrail(moved.ring);
  });
});

test('the ring that was left is not taken for the ring any more', async () => {
  await move('vault');
  expect(await refusal(start())).toContain('was moved to Vault');
});

test('a ring of another installation is not moved, and is not moved to', async () => {
  const { fingerprint: _other, ...ring } = JSON.parse(await readFile(stage.file, 'utf8'));
  const file = join(stage.folder, 'other.json');
  const fingerprint = Buffer.alloc(32, 7).toString('base64url');
  await writeFile(file, JSON.stringify({ ...ring, fingerprint }), { mode: 0o600 });
  expect(await refusal(move('vault', file))).toContain('of another installation');
  await move('vault');
  expect(await refusal(move('file', file))).toContain('of another installation');
  expect(await refusal(move('vault', join(stage.folder, 'none.json')))).toMatch(
    /moved there|missing/,
  );
  await start(vaultConfig());
});

test('the operator’s shell moves it, and says what to do with the file', async () => {
  await stage.people(bot.vault, 3);
  const vault = {
    VAULT_ADDR: remote.origin,
    VAULT_TOKEN: remote.token,
    VAULT_TRANSIT_KEY: 'latchkey',
    KEY_RING_FILE: '',
  };
  const without = await runAdmin(stage, ['key-ring', 'move-to-vault']);
  expect(without).toMatchObject({ code: 1, out: '' });
  expect(without.err).toMatch(/^Set VAULT_ADDR, VAULT_TOKEN and VAULT_TRANSIT_KEY/);
  const moved = await runAdmin(stage, ['key-ring', 'move-to-vault', '--from', stage.file], vault);
  expect(moved.err).toMatch(/3 of 3 rows/);
  expect(moved.out).toMatch(
    /^Moved: 3 rows were brought to Vault and verified\.[\s\S]*Keep a copy/,
  );
  expect(moved.code).toBe(0);
  const status = await runAdmin(stage, ['key-ring', 'status', '--json'], vault);
  expect(JSON.parse(status.out)).toEqual({
    keks: [{ kid: 'vault-v1', rows: 3, lost: 0, state: 'active' }],
  });
  const back = await runAdmin(stage, ['key-ring', 'move-to-file', 'new.json', '--json'], vault);
  expect(JSON.parse(back.out)).toEqual({
    to: 'file',
    stopped: false,
    rewrapped: 3,
    failed: 0,
    left: 0,
  });
  const verified = await runAdmin(stage, ['audit', 'verify', '--json'], {
    KEY_RING_FILE: join(stage.folder, 'new.json'),
  });
  expect(JSON.parse(verified.out)).toMatchObject({ ok: true, rows: 4 });
}, 60_000);
