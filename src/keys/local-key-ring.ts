/** A key ring in a file: data keys are wrapped as flattened JWE (RFC 7516), all in this process. */

import { webcrypto } from 'node:crypto';
import { base64url, FlattenedEncrypt, flattenedDecrypt } from 'jose';
import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import { bindingOf, type KeyRing, ownKeyMacs, UnwrapError } from './key-ring.ts';
import { obtainRingFile, type RingFile } from './key-ring-file.ts';

const ALG = 'A256GCMKW';
const ENC = 'A256GCM';
const TYP = 'latchkey-data-key';
/** Bytes of JSON; what {@link KeyRing.wrap} makes has some 350. */
const MAX_WRAPPED = 4096;
const DATA_KEY_BYTES = 32;

/** A member of the JWE that decodes to so many bytes, in its one canonical spelling. */
const bytes = (length: number) =>
  z.string().refine((text) => {
    const decoded = Buffer.from(text, 'base64url');
    return decoded.length === length && decoded.toString('base64url') === text;
  });

// Exactly these members: no unprotected header, no `aad` of the row's own.
const wrappedSchema = z.strictObject({
  protected: z.string(),
  encrypted_key: bytes(32),
  iv: bytes(12),
  ciphertext: bytes(DATA_KEY_BYTES),
  tag: bytes(16),
});

// Exactly these parameters: no `zip`, no `crit`.
const headerSchema = z.strictObject({
  alg: z.literal(ALG),
  enc: z.literal(ENC),
  typ: z.literal(TYP),
  kid: z.string(),
  iv: bytes(12),
  tag: bytes(16),
});

type Kek = webcrypto.CryptoKey;

export interface LoadedKeyRing {
  readonly ring: KeyRing;
  /** Whether the file was made just now: the operator is to be told to keep a copy. */
  readonly created: boolean;
}

/**
 * Reads the key ring, or makes one in an empty installation.
 *
 * @param options.mayCreate false where another process makes it; default true
 * @param options.hasSealedRows whether the database holds anything that needs the old ring
 * @throws KeyRingError
 */
export async function loadKeyRing(options: {
  readonly file: string;
  readonly mayCreate?: boolean;
  readonly hasSealedRows: boolean;
}): Promise<LoadedKeyRing> {
  const { contents, created } = await obtainRingFile({ mayCreate: true, ...options });
  return { ring: await createLocalKeyRing(contents), created };
}

/** Takes the keys over and overwrites the buffers that they came in. */
export async function createLocalKeyRing(contents: RingFile): Promise<KeyRing> {
  const keks = new Map<string, Kek>();
  for (const [kid, key] of contents.keys) {
    keks.set(kid, await importKek(key));
    key.fill(0);
  }
  const { active, fingerprintKey, auditKey } = contents;
  const activeKek = keks.get(active);
  if (activeKek === undefined) throw new TypeError('the active key is not in the ring');

  return {
    async wrap(dataKey, context) {
      if (dataKey.length !== DATA_KEY_BYTES) throw new RangeError('a data key has 32 bytes');
      const { aad: _rebuiltWhenOpened, ...wrapped } = await new FlattenedEncrypt(dataKey)
        .setProtectedHeader({ alg: ALG, enc: ENC, typ: TYP, kid: active })
        .setAdditionalAuthenticatedData(bindingOf(context))
        .encrypt(activeKek);
      return { kid: active, wrapped };
    },

    async unwrap(wrapped, kid, context) {
      const jwe = parseWrapped(wrapped, kid);
      const kek = keks.get(kid);
      if (kek === undefined) throw new UnwrapError('unknown-kek');
      try {
        const { plaintext } = await flattenedDecrypt(
          { ...jwe, aad: base64url.encode(bindingOf(context)) },
          kek,
          {
            keyManagementAlgorithms: [ALG],
            contentEncryptionAlgorithms: [ENC],
            maxDecompressedLength: 0,
          },
        );
        return plaintext;
      } catch {
        throw new UnwrapError('does-not-open');
      }
    },

    ...ownKeyMacs({ fingerprintKey, auditKey }),
  };
}

function importKek(key: Uint8Array<ArrayBuffer>): Promise<Kek> {
  // Not extractable: no later code can read a KEK out of the ring again.
  return webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** @throws UnwrapError unless it has exactly our form and its header names the same KEK as its row */
function parseWrapped(wrapped: unknown, kid: string): z.infer<typeof wrappedSchema> {
  const size = Buffer.byteLength(JSON.stringify(wrapped) ?? '');
  const jwe = size > MAX_WRAPPED ? undefined : wrappedSchema.safeParse(wrapped).data;
  const header =
    jwe &&
    headerSchema.safeParse(parseJson(Buffer.from(jwe.protected, 'base64url').toString('utf8')))
      .data;
  if (jwe === undefined || header?.kid !== kid) throw new UnwrapError('does-not-open');
  return jwe;
}
