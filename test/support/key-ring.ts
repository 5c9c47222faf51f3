import { randomBytes } from 'node:crypto';
import { createLocalKeyRing } from '../../src/keys/local-key-ring.ts';

export const newKey = () => Uint8Array.from(randomBytes(32));

/** A ring of one KEK, nothing of which any other has. */
export function makeRing(kid = 'k1') {
  return createLocalKeyRing({
    active: kid,
    keys: new Map([[kid, newKey()]]),
    fingerprintKey: newKey(),
    auditKey: newKey(),
  });
}
