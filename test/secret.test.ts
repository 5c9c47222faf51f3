import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../src/secret.ts';

test.each([
  ['a string', (secret: Secret) => `${secret} ${String(secret)} ${[secret]}`],
  ['JSON', (secret: Secret) => JSON.stringify({ secret, deep: [{ secret }] })],
  ['inspection', (secret: Secret) => inspect({ secret }, { showHidden: true, depth: 9 })],
  ['a format', (secret: Secret) => format('%s %o %O %j', secret, secret, secret, secret)],
  ['its properties', (secret: Secret) => JSON.stringify(Object.getOwnPropertyNames(secret))],
  ['a copy', (secret: Secret) => JSON.stringify({ ...secret })],
  ['a clone', (secret: Secret) => inspect(structuredClone(secret))],
  ['an error', (secret: Secret) => inspect(new Error(`no ${secret}`, { cause: secret }))],
] as const)('a Secret does not show itself in %s', (_, show) => {
  const secret = new Secret('hunter2 hunter2');
  expect(show(secret)).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2 hunter2');
});
