import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sql } from '../../src/db/drizzle.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { Secret } from '../../src/secret.ts';
import { StartError } from '../../src/start-error.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { addMigration, copyMigrations } from '../support/later-migration.ts';

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-migrations-'));
});
beforeEach(async () => {
  database = await createEmptyDatabase();
  await rm(folder, { recursive: true });
  await copyMigrations(folder);
});
afterEach(() => database.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

async function hasTable(name: string): Promise<boolean> {
  const rows = await database.db.execute(sql`select to_regclass(${name}) as found`);
  return rows[0]?.found !== null;
}

async function migrate(steps: string[] = []): Promise<string[]> {
  await migrateDatabase({ url: database.url, folder, onStep: (step) => steps.push(step) });
  return steps;
}

test('a first run makes the tables and says so, a second one does nothing', async () => {
  expect(await migrate()).toEqual(['Creating the tables…']);
  expect(await hasTable('turns')).toBe(true);
  expect(await migrate()).toEqual([]);
});

test('processes that start together migrate once', async () => {
  const steps: string[] = [];
  await Promise.all(Array.from({ length: 4 }, () => migrate(steps)));
  expect(steps).toEqual(['Creating the tables…']);
});

test('an older database is brought up', async () => {
  await migrate();
  await addMigration(folder, 'create table added_later (x int)');
  expect(await migrate()).toEqual(['Updating the tables…']);
  expect(await hasTable('added_later')).toBe(true);
});

test('a migration that fails changes nothing', async () => {
  await migrate();
  await addMigration(folder, 'create table half (x int);--> statement-breakpoint\nselect 1/0');
  await expect(migrate()).rejects.toThrow(StartError);
  expect(await hasTable('half')).toBe(false);
});

test('a database of a newer Latchkey is refused and left as it is', async () => {
  await addMigration(folder, 'create table added_later (x int)');
  await migrate();
  const old = migrateDatabase({ url: database.url });
  await expect(old).rejects.toThrow(StartError);
  await expect(old).rejects.toThrow(/made by a newer Latchkey/);
});

test('a database that is not there, or may not be written, stops the start with a sentence', async () => {
  const nowhere = new URL(database.url.reveal());
  nowhere.port = '1';
  const away = migrateDatabase({ url: new Secret(nowhere.href) });
  await expect(away).rejects.toThrow(/^No PostgreSQL answers at 127\.0\.0\.1:1/);
  const readOnly = new URL(database.url.reveal());
  readOnly.searchParams.set('default_transaction_read_only', 'on');
  const refused = migrateDatabase({ url: new Secret(readOnly.href) });
  await expect(refused).rejects.toThrow(StartError);
  await expect(refused).rejects.toThrow(/read-only transaction/);
});

test('the tables of schema.ts are those of the migrations', async () => {
  const { stdout } = spawnSync(
    'node_modules/.bin/drizzle-kit',
    [
      'generate',
      '--dialect=postgresql',
      '--schema=./src/db/schema.ts',
      `--out=./${relative('.', folder)}`,
    ],
    { encoding: 'utf8' },
  );
  expect(stdout).toContain('No schema changes');
});
