import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect } from 'vitest';
import { createTransitClient, TransitError } from '../../../src/keys/transit-client.ts';
import { Secret } from '../../../src/secret.ts';
import { bentJson } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';
import { tinyServer } from '../tiny-server.ts';

const TOKEN = randomBytes(20).toString('hex');
const ANSWERS = [
  { data: { type: 'aes256-gcm96', latest_version: 2, min_decryption_version: 1, derived: true } },
  { data: { ciphertext: 'vault:v1:AAAA' } },
  { data: { plaintext: 'AAAA' } },
  { errors: ['permission denied', TOKEN] },
  { errors: [] },
];
const statuses = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  fc.constantFrom(204, 301, 307, 400, 401, 403, 404, 429, 472, 500, 503),
);

export const vaultAnswers = holds(
  'Vault’s answers',
  fc.tuple(statuses, bentJson(ANSWERS), fc.boolean()),
  async ([status, text, breaksOff]) => {
    const body = status === 204 ? '' : text;
    const headers = { 'content-type': 'application/json', location: 'http://127.0.0.1:9/' };
    const address = await tinyServer({ status, headers, body, pieces: [3], breaksOff });
    const client = createTransitClient({
      address,
      token: new Secret(TOKEN),
      mount: 'transit',
      key: 'k',
    });
    const binding = Buffer.from('owner');
    for (const call of [
      async () => {
        const key = await client.key();
        expect(key.latest).toBeGreaterThanOrEqual(1);
        expect(key.oldest).toBeGreaterThanOrEqual(1);
      },
      async () => expect(typeof (await client.encrypt(binding, binding))).toBe('string'),
      async () => expect(await client.decrypt('vault:v1:x', binding)).toBeInstanceOf(Uint8Array),
      () => client.rotate(),
      () => client.cutOff(1),
    ]) {
      const error = await throwsOnly([TransitError], call);
      expect(String(error?.stack)).not.toContain(TOKEN);
    }
  },
);
