/**
 * The only door to drizzle. Its entry points pull in every dialect: loaded as ES modules they cost
 * some 120 MB of resident memory, required as CommonJS some 15 MB (Node 24, drizzle 0.45). So all
 * code takes drizzle's functions from here; types cost nothing and may come from the package.
 */

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const core = require('drizzle-orm') as typeof import('drizzle-orm');
const pg = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');
const driver = require('drizzle-orm/postgres-js') as typeof import('drizzle-orm/postgres-js');
const migrator = require('drizzle-orm/migrator') as typeof import('drizzle-orm/migrator');

export const {
  and,
  asc,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  lte,
  ne,
  not,
  or,
  sql,
} = core;

export const {
  bigint,
  boolean,
  check,
  customType,
  date,
  index,
  integer,
  jsonb,
  PgDialect,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
} = pg;

export type { SQL } from 'drizzle-orm';
export const { drizzle, PostgresJsSession } = driver;
export const { readMigrationFiles } = migrator;
