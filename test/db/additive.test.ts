import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whatDoesNotOnlyAdd } from './additive.ts';

/** The last that took something away: an older process stops at it, as its own words say. */
const LAST_THAT_TOOK_AWAY = '0007_ledger.sql';

const migrations = readdirSync('drizzle').filter((name) => name.endsWith('.sql'));

test.each(migrations.filter((name) => name > LAST_THAT_TOOK_AWAY))(
  '%s only adds: an older process works on while it is applied, and after',
  (name) => {
    expect(whatDoesNotOnlyAdd(readFileSync(`drizzle/${name}`, 'utf8'))).toEqual([]);
  },
);

test.each([
  'DROP TABLE "turns"',
  'ALTER TABLE "turns" DROP COLUMN "seq"',
  'ALTER TABLE "turns" RENAME COLUMN "seq" TO "number"',
  'ALTER TABLE "turns" RENAME TO "rounds"',
  'ALTER TABLE "turns" ALTER COLUMN "worker" SET NOT NULL',
  'ALTER TABLE "turns" ALTER COLUMN "seq" SET DATA TYPE text',
  'ALTER TABLE "turns" ALTER COLUMN "attempt" DROP DEFAULT',
  'ALTER TABLE "turns" ADD COLUMN "x" text NOT NULL',
  'ALTER TABLE "turns" ADD COLUMN "x" text UNIQUE',
  'ALTER TABLE "turns" ADD CONSTRAINT "x" CHECK (seq > 0)',
  'ALTER TABLE "turns" ADD CONSTRAINT "x" FOREIGN KEY ("seq") REFERENCES "public"."users"("id")',
  'ALTER TABLE "turns" DROP CONSTRAINT "turns_user_seq"',
  'CREATE UNIQUE INDEX "x" ON "turns" USING btree ("seq")',
  'CREATE TRIGGER x BEFORE UPDATE ON "turns" FOR EACH ROW EXECUTE FUNCTION y()',
  'DELETE FROM "turns"',
  'TRUNCATE "turns"',
  'DROP INDEX "turns_due"',
])('%s is found', (statement) => {
  const among = `-- Why.\nCREATE TABLE "fresh" ("id" bigint);\n--> statement-breakpoint\n${statement};\n`;
  expect(whatDoesNotOnlyAdd(among)).toEqual([expect.stringContaining(statement)]);
});

test('what an older process does not notice is let through', () => {
  const migration = [
    'CREATE TABLE "fresh" ("id" bigint NOT NULL, "turn_id" bigint NOT NULL, CONSTRAINT "u" UNIQUE("id"))',
    'ALTER TABLE "fresh" ADD CONSTRAINT "fk" FOREIGN KEY ("turn_id") REFERENCES "public"."turns"("id")',
    'CREATE UNIQUE INDEX "fresh_turn" ON "fresh" USING btree ("turn_id")',
    'ALTER TABLE "turns" ADD COLUMN "x" text',
    'ALTER TABLE "turns" ADD COLUMN "y" integer DEFAULT 0 NOT NULL',
    'ALTER TABLE "turns" ALTER COLUMN "seq" DROP NOT NULL',
    'CREATE INDEX "turns_x" ON "turns" USING btree ("x")',
    'UPDATE "turns" SET "x" = \'1\'',
  ];
  expect(whatDoesNotOnlyAdd(migration.join(';--> statement-breakpoint\n'))).toEqual([]);
});
