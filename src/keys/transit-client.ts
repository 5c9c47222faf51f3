/** The few calls of HashiCorp Vault's Transit engine that a key ring needs, over its HTTP API. */

import { z } from 'zod';
import { parseJson } from '../parse-json.ts';
import type { Secret } from '../secret.ts';

export interface TransitOptions {
  /** Without a slash at the end. */
  readonly address: string;
  readonly token: Secret;
  /** Where the engine is mounted. */
  readonly mount: string;
  readonly key: string;
  /** How long Vault may take for one call, in milliseconds; default 5,000. */
  readonly timeoutMs?: number | undefined;
}

export type TransitErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'sealed'
  | 'token-refused'
  | 'forbidden'
  | 'no-key'
  | 'rate-limited'
  | 'refused'
  | 'misunderstood';

/**
 * Vault did not do what it was asked. Its message is a sentence for the operator; it never repeats
 * what Vault said, which may repeat what it was sent.
 */
export class TransitError extends Error {
  override readonly name = 'TransitError';
  readonly code: TransitErrorCode;
  /** What Vault said of a refused request; to be looked at, not to be shown. */
  readonly #said: string;

  constructor(code: TransitErrorCode, { address, mount, key }: TransitOptions, said = '') {
    super(
      {
        unreachable: `Vault at ${address} does not answer: look whether it runs and whether VAULT_ADDR is right.`,
        timeout: `Vault at ${address} takes too long to answer: look at its health.`,
        sealed: `Vault at ${address} is sealed or not ready: unseal it (vault operator unseal).`,
        'token-refused': `Vault at ${address} refuses VAULT_TOKEN: it is wrong, expired or revoked.`,
        forbidden: `VAULT_TOKEN may not do this with ${mount}/${key} at ${address}: its policy has to allow it.`,
        'no-key': `Vault at ${address} has no key ${mount}/${key}: make it (vault write -f ${mount}/keys/${key}), or set VAULT_TRANSIT_KEY to another.`,
        'rate-limited': `Vault at ${address} limits how often it may be asked: raise the quota.`,
        refused: `Vault at ${address} refused a request for ${mount}/${key}.`,
        misunderstood: `What answers at ${address} does not speak like Vault's Transit engine: look at VAULT_ADDR and VAULT_TRANSIT_KEY.`,
      }[code],
    );
    this.code = code;
    this.#said = said;
  }

  hasSaid(what: RegExp): boolean {
    return what.test(this.#said);
  }
}

export interface TransitKey {
  readonly latest: number;
  /** The oldest version that still opens. */
  readonly oldest: number;
  readonly type: string;
  readonly derived: boolean;
}

export interface TransitClient {
  /** @throws TransitError, as all of these */
  key(): Promise<TransitKey>;
  encrypt(plain: Uint8Array, binding: Uint8Array): Promise<string>;
  decrypt(ciphertext: string, binding: Uint8Array): Promise<Uint8Array>;
  /** Adds a version, which is the one that encrypts from then on. */
  rotate(): Promise<void>;
  /** Versions below this one open nothing any more; it can be undone in Vault. */
  cutOff(oldest: number): Promise<void>;
}

const MAX_ANSWER = 64 * 1024;

const refusal = z.object({ errors: z.array(z.string()) });
const keyAnswer = z.object({
  data: z.object({
    type: z.string(),
    latest_version: z.number().int().min(1),
    min_decryption_version: z.number().int().min(0),
    derived: z.boolean().optional(),
  }),
});
const encrypted = z.object({ data: z.object({ ciphertext: z.string().max(4_096) }) });
const decrypted = z.object({ data: z.object({ plaintext: z.base64() }) });

export function createTransitClient(options: TransitOptions): TransitClient {
  const { address, token, mount, key, timeoutMs = 5_000 } = options;
  /** Asked once: a key is derived, or not, for its whole life. */
  let derived: Promise<boolean> | undefined;

  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const { status, text } = await send(method, path, body);
    if (status === 204) return undefined;
    const answer = parseJson(text);
    if (status >= 200 && status < 300 && answer !== undefined) return answer;
    const said = refusal.safeParse(answer).data?.errors.join('\n');
    throw new TransitError(codeOf(status, said), options, said);
  }

  async function send(method: string, path: string, body?: object) {
    try {
      const response = await fetch(`${address}/v1/${mount}/${path}`, {
        method,
        // The token goes to the host that was named, and to no other.
        redirect: 'error',
        headers: {
          'X-Vault-Token': token.reveal(),
          'X-Vault-Request': 'true',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      if (text.length > MAX_ANSWER) throw new TransitError('misunderstood', options);
      return { status: response.status, text };
    } catch (error) {
      if (error instanceof TransitError) throw error;
      // The error of `fetch` holds the request, and with it the token: it goes no further.
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      throw new TransitError(isLate ? 'timeout' : 'unreachable', options);
    }
  }

  function expecting<T>(schema: z.ZodType<T>, answer: unknown): T {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new TransitError('misunderstood', options);
  }

  async function readKey(): Promise<TransitKey> {
    const answer = await call('GET', `keys/${key}`);
    const { data } = expecting(keyAnswer, answer);
    return {
      latest: data.latest_version,
      oldest: Math.max(1, data.min_decryption_version),
      type: data.type,
      derived: data.derived ?? false,
    };
  }

  /** AEAD binds it; where keys are derived, the derivation does as well. */
  async function bound(binding: Uint8Array): Promise<object> {
    derived ??= readKey().then((found) => found.derived);
    const isDerived = await derived.catch((error: unknown) => {
      derived = undefined;
      throw error;
    });
    const text = Buffer.from(binding).toString('base64');
    return { associated_data: text, ...(isDerived ? { context: text } : {}) };
  }

  return {
    key: readKey,

    async encrypt(plain, binding) {
      const plaintext = Buffer.from(plain).toString('base64');
      const answer = await call('POST', `encrypt/${key}`, { plaintext, ...(await bound(binding)) });
      return expecting(encrypted, answer).data.ciphertext;
    },

    async decrypt(ciphertext, binding) {
      const answer = await call('POST', `decrypt/${key}`, {
        ciphertext,
        ...(await bound(binding)),
      });
      return Uint8Array.from(Buffer.from(expecting(decrypted, answer).data.plaintext, 'base64'));
    },

    async rotate() {
      await call('POST', `keys/${key}/rotate`, {});
    },

    async cutOff(oldest) {
      await call('POST', `keys/${key}/config`, { min_decryption_version: oldest });
    },
  };
}

/** @param said undefined: the answer had not the form of Vault's refusals */
function codeOf(status: number, said: string | undefined): TransitErrorCode {
  switch (status) {
    case 400:
      return /encryption key not found/i.test(said ?? '') ? 'no-key' : 'refused';
    case 401:
      return 'token-refused';
    case 403:
      return /invalid token|bad token|token expired/i.test(said ?? '')
        ? 'token-refused'
        : 'forbidden';
    case 404:
      // Where nothing is, Vault says so without a word.
      return said === '' ? 'no-key' : 'misunderstood';
    case 429:
      return 'rate-limited';
    // 472, 473: a standby of another cluster, or of performance; 501: not initialised.
    case 472:
    case 473:
    case 501:
    case 503:
      return 'sealed';
    default:
      return status >= 500 ? 'unreachable' : 'misunderstood';
  }
}
