/**
 * A simulator of HashiCorp Vault's Transit engine over HTTP, as its API documents it: real AES-GCM
 * with `associated_data`, key versions, base64 both ways, `{errors: […]}` with its status codes.
 */

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Exchange, type FakeServer, pause, sendJson, startFakeServer } from './http.ts';

interface TransitKey {
  readonly type: string;
  readonly derived: boolean;
  readonly versions: Buffer[];
  oldest: number;
}

export interface VaultSimulator extends FakeServer {
  readonly token: string;
  makeKey(name: string, options?: { readonly type?: string; readonly derived?: boolean }): void;
  deleteKey(name: string): void;
  /** What happens to every call from now on. */
  behave(how: 'well' | 'sealed' | 'forbidden' | 'silent' | 'nonsense' | 'redirect' | 'busy'): void;
}

const encryptBody = z.object({
  plaintext: z.string(),
  associated_data: z.string().optional(),
  context: z.string().optional(),
});
const decryptBody = z.object({
  ciphertext: z.string(),
  associated_data: z.string().optional(),
  context: z.string().optional(),
});
const configBody = z.object({ min_decryption_version: z.number().int().optional() });

class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly string[];
  constructor(status: number, ...errors: readonly string[]) {
    super(errors.join());
    this.status = status;
    this.errors = errors;
  }
}

export async function startVaultSimulator(mount = 'transit'): Promise<VaultSimulator> {
  const keys = new Map<string, TransitKey>();
  const token = `hvs.${randomBytes(18).toString('base64url')}`;
  let mood: Parameters<VaultSimulator['behave']>[0] = 'well';

  const server = await startFakeServer(async ({ request, response, gone }: Exchange) => {
    try {
      if (mood === 'silent') return await pause(undefined, gone);
      if (mood === 'nonsense') {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end('<h1>It works!</h1>');
        return;
      }
      if (mood === 'redirect') {
        response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' });
        response.end();
        return;
      }
      if (request.path === '/v1/sys/health') {
        const sealed = mood === 'sealed';
        sendJson(response, sealed ? 503 : 200, { initialized: true, sealed, standby: false });
        return;
      }
      if (mood === 'sealed') throw new ApiError(503, 'Vault is sealed');
      if (mood === 'busy') throw new ApiError(429, 'request path "x": rate limit quota exceeded');
      if (request.headers['x-vault-token'] !== token) {
        throw new ApiError(403, '2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n');
      }
      if (mood === 'forbidden') {
        throw new ApiError(403, '1 error occurred:\n\t* permission denied\n\n');
      }
      const answer = handle(request.method, request.path, request.body);
      if (answer === undefined) {
        response.writeHead(204);
        response.end();
        return;
      }
      sendJson(response, 200, {
        request_id: randomBytes(16).toString('hex'),
        lease_id: '',
        renewable: false,
        lease_duration: 0,
        data: answer,
        warnings: null,
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      sendJson(response, error.status, { errors: error.errors });
    }
  });

  function handle(method: string, path: string, body: unknown): object | undefined {
    if (!path.startsWith(`/v1/${mount}/`)) {
      throw new ApiError(404, `no handler for route "${path.slice(4)}". route entry not found.`);
    }
    const [verb = '', name = '', what] = path.slice(`/v1/${mount}/`.length).split('/');
    if (verb === 'keys') return onKey(method, name, what, body);
    const key = keys.get(name);
    if (method !== 'POST') throw new ApiError(405, 'unsupported operation');
    if (key === undefined) throw new ApiError(400, 'encryption key not found');
    if (verb === 'encrypt') return encrypt(key, parse(encryptBody, body));
    if (verb === 'decrypt') return decrypt(key, parse(decryptBody, body));
    if (verb === 'rewrap') {
      // Takes no `associated_data`: what was bound to some does not open here.
      const { ciphertext, context } = parse(decryptBody, body);
      const opened = decrypt(key, { ciphertext, ...(context === undefined ? {} : { context }) });
      return encrypt(key, { ...opened, ...(context === undefined ? {} : { context }) });
    }
    throw new ApiError(404);
  }

  function onKey(method: string, name: string, what: string | undefined, body: unknown) {
    const key = keys.get(name);
    if (key === undefined)
      throw new ApiError(
        method === 'GET' ? 404 : 400,
        ...(method === 'GET' ? [] : [`no existing key named ${name}`]),
      );
    if (what === 'rotate') {
      key.versions.push(randomBytes(32));
      return describe(name, key);
    }
    if (what === 'config') {
      const { min_decryption_version: oldest = key.oldest } = parse(configBody, body);
      if (oldest > key.versions.length) {
        throw new ApiError(
          400,
          `cannot set min decryption version of ${oldest}, latest key version is ${key.versions.length}`,
        );
      }
      key.oldest = oldest;
      return describe(name, key);
    }
    return describe(name, key);
  }

  return {
    ...server,
    token,
    makeKey(name, { type = 'aes256-gcm96', derived = false } = {}) {
      keys.set(name, { type, derived, versions: [randomBytes(32)], oldest: 1 });
    },
    deleteKey: (name) => void keys.delete(name),
    behave: (how) => {
      mood = how;
    },
  };
}

function describe(name: string, key: TransitKey): object {
  return {
    name,
    type: key.type,
    derived: key.derived,
    latest_version: key.versions.length,
    min_available_version: 0,
    min_decryption_version: key.oldest,
    min_encryption_version: 0,
    deletion_allowed: false,
    exportable: false,
    keys: Object.fromEntries(key.versions.map((_, i) => [i + 1, 1_700_000_000 + i])),
    supports_encryption: true,
    supports_decryption: true,
    supports_derivation: true,
    supports_signing: false,
  };
}

function encrypt(key: TransitKey, body: z.infer<typeof encryptBody>) {
  const version = key.versions.length;
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secretOf(key, version, body.context), iv);
  cipher.setAAD(decode(body.associated_data ?? '', 'associated_data'));
  const text = Buffer.concat([cipher.update(decode(body.plaintext, 'plaintext')), cipher.final()]);
  const bytes = Buffer.concat([iv, text, cipher.getAuthTag()]);
  return { ciphertext: `vault:v${version}:${bytes.toString('base64')}`, key_version: version };
}

function decrypt(key: TransitKey, body: z.infer<typeof decryptBody>) {
  const [, digits, text = ''] = /^vault:v(\d+):(.+)$/.exec(body.ciphertext) ?? [];
  if (digits === undefined) throw new ApiError(400, 'invalid ciphertext: no prefix');
  const version = Number(digits);
  if (version < 1) throw new ApiError(400, 'invalid ciphertext: version');
  if (version > key.versions.length)
    throw new ApiError(400, 'invalid ciphertext: version is too new');
  if (version < key.oldest) {
    throw new ApiError(400, 'ciphertext or signature version is disallowed by policy (too old)');
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length < 28) throw new ApiError(400, 'invalid ciphertext: could not decode base64');
  const secret = secretOf(key, version, body.context);
  const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, 12));
  decipher.setAAD(decode(body.associated_data ?? '', 'associated_data'));
  decipher.setAuthTag(bytes.subarray(-16));
  try {
    const plain = Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
    return { plaintext: plain.toString('base64') };
  } catch {
    throw new ApiError(400, 'cipher: message authentication failed');
  }
}

function secretOf(key: TransitKey, version: number, context: string | undefined): Buffer {
  const secret = key.versions[version - 1];
  if (secret === undefined) throw new ApiError(400, 'invalid key version');
  if (!key.derived) return secret;
  if (context === undefined || context === '') {
    throw new ApiError(
      400,
      "missing 'context' for key derivation; the key was created using a derived key, which means additional, per-request information must be included in order to perform operations with the key",
    );
  }
  return createHmac('sha256', secret).update(decode(context, 'context')).digest();
}

function decode(text: string, name: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) {
    throw new ApiError(400, `failed to base64-decode ${name}`);
  }
  return bytes;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new ApiError(400, 'error parsing JSON');
  return parsed.data;
}
