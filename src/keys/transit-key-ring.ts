/**
 * A key ring whose KEKs are the versions of a key in HashiCorp Vault's Transit engine and never
 * leave it. Its two small keys for pseudonyms and the audit trail are needed at every turn: they are
 * made here, and kept in the database wrapped by Vault.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { VaultConfig } from '../config.ts';
import type { Database, Queryable } from '../db/client.ts';
import { dropFact, keepFact, keepFirstFact, readFact } from '../db/installation.ts';
import {
  bindingOf,
  type KeyContext,
  type KeyRing,
  KeyRingError,
  type KeyRingKeeper,
  ownKeyMacs,
  RING_FACT,
  UnwrapError,
  type WrappedKey,
} from './key-ring.ts';
import type { RingOwnKeys } from './key-ring-file.ts';
import { createTransitClient, type TransitClient, TransitError } from './transit-client.ts';

const DATA_KEY_BYTES = 32;
const MAX_WRAPPED = 4_096;
const OWN_KEYS = 'key-ring-own-keys';
const OWN_BINDING = Buffer.from(JSON.stringify({ purpose: 'key-ring-own-keys', version: 1 }));
/** Those that take `associated_data`. */
const AEAD = /^(aes(128|256)-gcm96|x?chacha20-poly1305)$/;

const wrappedSchema = z.strictObject({ vault: z.string() });

const kidOf = (version: number) => `vault-v${version}`;

function versionOf(kid: string): number | undefined {
  const [, digits] = /^vault-v([1-9]\d{0,8})$/.exec(kid) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export const isTransitKid = (kid: string) => versionOf(kid) !== undefined;

function versionIn(ciphertext: string): number | undefined {
  const [, digits] = /^vault:v([1-9]\d{0,8}):[A-Za-z0-9+/]+={0,2}$/.exec(ciphertext) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export interface OpenTransitOptions {
  readonly db: Database;
  readonly config: VaultConfig;
  readonly mayCreate: boolean;
  readonly hasSealedRows: boolean;
}

/** @throws KeyRingError where Vault or its key is not what is needed */
export async function checkTransitKey(config: VaultConfig): Promise<void> {
  await connect(config);
}

/** @throws KeyRingError with what Vault lacks */
export async function openTransitKeyRing({
  db,
  config,
  mayCreate,
  hasSealedRows,
}: OpenTransitOptions): Promise<{ readonly ring: KeyRing; readonly keeper: KeyRingKeeper }> {
  const { client } = await connect(config);
  const own = await orRefuse(() => obtainOwnKeys({ db, client, mayCreate, hasSealedRows }));
  return { ring: createTransitKeyRing(client, own), keeper: createTransitKeeper(client, db) };
}

/** @throws KeyRingError */
async function connect(config: VaultConfig) {
  const client = createTransitClient(config);
  const key = await orRefuse(() => client.key());
  if (!AEAD.test(key.type)) {
    throw new KeyRingError(
      `The Vault key ${config.mount}/${config.key} is of type ${key.type}, which can't bind a data key to its owner: make one of type aes256-gcm96.`,
    );
  }
  return { client, active: kidOf(key.latest) };
}

/** Vault, while a ring is moved to it or away from it. */
export interface TransitHome {
  readonly ring: Pick<KeyRing, 'wrap' | 'unwrap'>;
  /** The version that wraps. */
  readonly active: string;
  /** The ring's own keys, which Vault has wrapped. @throws KeyRingError */
  readOwn(): Promise<RingOwnKeys>;
  /** Keeps those of the ring that moves here, wrapped by Vault. @throws KeyRingError */
  keepOwn(own: RingOwnKeys): Promise<void>;
}

/** @throws KeyRingError with what Vault lacks */
export async function joinTransit(db: Database, config: VaultConfig): Promise<TransitHome> {
  const { client, active } = await connect(config);
  return {
    active,
    ring: {
      wrap: (dataKey, context) => wrap(client, dataKey, context),
      unwrap: (wrapped, kid, context) => unwrap(client, wrapped, kid, context),
    },
    async readOwn() {
      const both = await orRefuse(() => openOwnKeys(db, client));
      return { fingerprint: both.slice(0, 32), audit: both.slice(32) };
    },
    async keepOwn({ fingerprint, audit }) {
      const both = Buffer.concat([fingerprint, audit]);
      const value = { vault: await orRefuse(() => client.encrypt(both, OWN_BINDING)) };
      both.fill(0);
      await keepFact(db, OWN_KEYS, value);
    },
  };
}

/** Part of leaving Vault. */
export async function dropOwnKeys(tx: Queryable): Promise<void> {
  await dropFact(tx, OWN_KEYS);
}

async function wrap(
  client: TransitClient,
  dataKey: Uint8Array,
  context: KeyContext,
): Promise<WrappedKey> {
  if (dataKey.length !== DATA_KEY_BYTES) throw new RangeError('a data key has 32 bytes');
  const ciphertext = await client.encrypt(dataKey, bindingOf(context));
  return { kid: kidOf(versionIn(ciphertext) ?? 0), wrapped: { vault: ciphertext } };
}

function createTransitKeyRing(client: TransitClient, own: Uint8Array): KeyRing {
  return {
    wrap: (dataKey, context) => wrap(client, dataKey, context),
    unwrap: (wrapped, kid, context) => unwrap(client, wrapped, kid, context),
    ...ownKeyMacs({ fingerprintKey: own.slice(0, 32), auditKey: own.slice(32) }),
  };
}

async function unwrap(
  client: TransitClient,
  wrapped: unknown,
  kid: string,
  context: KeyContext,
): Promise<Uint8Array> {
  const size = Buffer.byteLength(JSON.stringify(wrapped) ?? '');
  const row = size > MAX_WRAPPED ? undefined : wrappedSchema.safeParse(wrapped).data;
  const version = row === undefined ? undefined : versionIn(row.vault);
  // Of another ring: of the file that was used before Vault, say.
  if (row === undefined && versionOf(kid) === undefined) throw new UnwrapError('unknown-kek');
  if (row === undefined || version === undefined || version !== versionOf(kid)) {
    throw new UnwrapError('does-not-open');
  }
  try {
    const dataKey = await client.decrypt(row.vault, bindingOf(context));
    if (dataKey.length === DATA_KEY_BYTES) return dataKey;
  } catch (error) {
    if (!(error instanceof TransitError) || error.code !== 'refused') throw error;
    // Below `min_decryption_version`, or a version that this key never had.
    const isGone = error.hasSaid(
      /too old|disallowed by policy|invalid key version|version.*found/i,
    );
    throw new UnwrapError(isGone ? 'unknown-kek' : 'does-not-open');
  }
  throw new UnwrapError('does-not-open');
}

function createTransitKeeper(client: TransitClient, db: Database): KeyRingKeeper {
  return {
    async keks() {
      const { latest, oldest } = await orRefuse(() => client.key());
      return Array.from({ length: latest - oldest + 1 }, (_, i) => ({
        kid: kidOf(oldest + i),
        active: oldest + i === latest,
      }));
    },

    async add() {
      throw new KeyRingError(
        'In Vault a new version is active at once, for everybody: use key-ring rotate.',
      );
    },

    async promote(kid) {
      if (kid !== undefined) {
        throw new KeyRingError('In Vault the newest version is the active one: leave --to away.');
      }
      await orRefuse(() => client.rotate());
      return kidOf((await orRefuse(() => client.key())).latest);
    },

    /** Transit's own `rewrap` takes no `associated_data`: opened and wrapped anew, here. */
    async rewrapOwn() {
      await orRefuse(async () => {
        const stored = await readOwn(db);
        if (stored === undefined) return;
        const { latest } = await client.key();
        if (versionIn(stored.vault) === latest) return;
        const own = await client.decrypt(stored.vault, OWN_BINDING);
        const vault = await client.encrypt(own, OWN_BINDING);
        own.fill(0);
        await keepFact(db, OWN_KEYS, { vault });
      });
    },

    async retire(kid) {
      const version = versionOf(kid);
      if (version === undefined) throw new KeyRingError(`Vault holds no key ${kid}.`);
      const own = versionIn((await readOwn(db))?.vault ?? '');
      if (own !== undefined && own <= version) {
        throw new KeyRingError(`The key ${kid} is in use by the ring itself: rotate it first.`);
      }
      await orRefuse(() => client.cutOff(version + 1));
    },

    async retiredWith(kid) {
      const version = versionOf(kid) ?? 0;
      const { oldest } = await orRefuse(() => client.key());
      return Array.from({ length: Math.max(0, version - oldest + 1) }, (_, i) => kidOf(oldest + i));
    },
  };
}

async function readOwn(db: Database) {
  return wrappedSchema.safeParse(await readFact(db, OWN_KEYS)).data;
}

/** @returns 64 bytes: the keys for pseudonyms and for the audit trail */
async function obtainOwnKeys({
  db,
  client,
  mayCreate,
  hasSealedRows,
}: Omit<OpenTransitOptions, 'config'> & { readonly client: TransitClient }): Promise<Uint8Array> {
  const other = await readFact(db, RING_FACT);
  if ((await readOwn(db)) === undefined) {
    if (hasSealedRows || other !== undefined) {
      throw new KeyRingError(
        'This database was begun with a key ring in a file: bring it to Vault with npm run admin -- key-ring move-to-vault, or take VAULT_TRANSIT_KEY away.',
      );
    }
    if (!mayCreate) {
      throw new KeyRingError('There is no key ring yet: start the bot first, which makes it.');
    }
    const fresh = randomBytes(64);
    const value = { vault: await client.encrypt(fresh, OWN_BINDING) };
    fresh.fill(0);
    // Of two starts at once, one makes them and both use those.
    await keepFirstFact(db, OWN_KEYS, value);
  }
  return openOwnKeys(db, client);
}

/** @returns 64 bytes */
async function openOwnKeys(db: Database, client: TransitClient): Promise<Uint8Array> {
  const stored = await readOwn(db);
  const own = await client.decrypt(stored?.vault ?? '', OWN_BINDING).catch((error: unknown) => {
    if (error instanceof TransitError && error.code === 'refused') return undefined;
    throw error;
  });
  if (own?.length === 64) return own;
  throw new KeyRingError(
    'Vault does not open what this database was begun with: VAULT_TRANSIT_KEY is another key, or its old versions were cut off.',
  );
}

async function orRefuse<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof TransitError ? new KeyRingError(error.message) : error;
  }
}
