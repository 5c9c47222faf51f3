import { fileURLToPath } from 'node:url';

/**
 * For processes that tests start: Node keeps what it has compiled, and stripped of types, which
 * halves their start.
 */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/node', import.meta.url)),
} as const;
