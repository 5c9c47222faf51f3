/** What people and operators write: keys, sums, addresses; and what was sealed. */

import fc from 'fast-check';
import { expect } from 'vitest';
import { decodeTurnInput, encodeTurnInput } from '../../../src/chat/turn-input.ts';
import { formatUsd, parseUsd } from '../../../src/funding/money.ts';
import { detectKeys, recognise, scrub } from '../../../src/keys/detection.ts';
import { remoteProviders } from '../../../src/llm/catalogue.ts';
import { decodeFileId, encodeFileId } from '../../../src/platforms/discord/file-id.ts';
import { parseReplyHandle } from '../../../src/platforms/discord/reply-handle.ts';
import { parseMessageId } from '../../../src/platforms/telegram/message-id.ts';
import { parseRedisAddress } from '../../../src/queue/redis-address.ts';
import { SAMPLES } from '../../keys/sample-keys.ts';
import { bentJson, cut, join, oddText } from '../inputs.ts';
import { holds, throwsOnly } from '../property.ts';

const KEYS = Object.values(SAMPLES).map((make) => make());

const keyPieces = fc.constantFrom(
  ...KEYS,
  ...KEYS.map((key) => key.slice(0, 12)),
  ...['s' + 'k-', 'AI' + 'za', 'AQ.', 'gsk' + '_', 'Bearer ', '****', '•••', '…', 'T3Blbk' + 'FJ'],
  ...['\n', '\n> ', ' ', '\u00a0', '\u200b', '%2D', '\\n', '=', ':', '`', '"', '_', '-', '.', 'a'],
  '1234567890:',
  'x1Y'.repeat(12),
);
const keyText = fc.oneof(
  fc.array(fc.oneof({ weight: 9, arbitrary: keyPieces }, oddText), { maxLength: 30 }).map(join),
  fc
    .tuple(fc.array(keyPieces, { maxLength: 4 }).map(join), fc.nat({ max: 3000 }))
    .map(([piece, times]) => piece.repeat(times).slice(0, 60_000)),
);

export const keyGuard = holds(
  'the guard that finds keys',
  fc.tuple(keyText, fc.constantFrom(undefined, ...remoteProviders.map(({ id }) => id))),
  ([text, chosen]) => {
    let done = 0;
    for (const { start, end, value } of detectKeys(text)) {
      expect(start).toBeGreaterThanOrEqual(done);
      expect(end).toBeGreaterThan(start);
      expect(value.reveal()).toMatch(/^[\w.-]+$/);
      done = end;
    }
    expect(done).toBeLessThanOrEqual(text.length);
    const scrubbed = scrub(text);
    expect(detectKeys(scrubbed)).toEqual([]);
    const recognised = recognise(text, chosen);
    if (recognised.result === 'key') {
      // It goes into a header.
      expect(recognised.key.reveal()).toMatch(/^[\w.-]{1,1200}$/);
    }
  },
);

const TURN_INPUTS = [
  {
    authorName: 'Ann',
    parts: [
      {
        messageId: '1',
        text: 'hello',
        quoted: { messageId: '0', authorName: 'Ben', fromBot: false, text: 'x', files: [] },
        forwardedFrom: 'Cem',
        files: [{ id: 'f', kind: 'text', name: 'a.ts', mediaType: 'text/plain', size: 3 }],
      },
    ],
    replyHandle: 'h',
    tooLong: true,
  },
];
const HANDLES = [
  { applicationId: '1', token: 'x', ephemeral: true, canSend: true, interactionId: '2' },
];
const FILE_IDS = [{ channelId: '1', messageId: '2', attachmentId: '3', url: 'https://x/y' }];

export const storedJson = holds(
  'what was stored as JSON',
  fc.oneof(bentJson(TURN_INPUTS), bentJson(HANDLES), bentJson(FILE_IDS)),
  async (text) => {
    await throwsOnly([Error], () => {
      const input = decodeTurnInput(text);
      expect(decodeTurnInput(encodeTurnInput(input))).toEqual(input);
    });
    await throwsOnly([Error], () => {
      const id = decodeFileId(text);
      expect(decodeFileId(encodeFileId(id))).toEqual(id);
    });
    const handle = parseReplyHandle(text);
    // It becomes a part of an address.
    if (handle !== undefined) expect(handle.applicationId).toMatch(/^\d{1,20}$/);
    const message = parseMessageId(text);
    if (message !== undefined) expect(JSON.stringify(message)).not.toContain('null');
  },
);

const sums = fc.oneof(
  fc.tuple(fc.constantFrom('', '$', ' '), fc.float({ noNaN: true })).map(join),
  fc
    .array(fc.constantFrom('$', '.', ',', '-', 'e', '0', '1', '9', ' ', '٣', '１'), {
      maxLength: 14,
    })
    .map(join),
  oddText,
);

export const amounts = holds('sums of money', sums, (text) => {
  const micros = parseUsd(text);
  if (micros === undefined) return;
  expect(Number.isSafeInteger(micros)).toBe(true);
  expect(micros).toBeGreaterThan(0);
  expect(micros).toBeLessThanOrEqual(1e12);
  expect(formatUsd(micros)).toMatch(/^\$\d+\.\d{2,6}$/);
});

const ADDRESSES = [
  'redis://localhost',
  'rediss://user:pass%40word@10.0.0.1:6380/3',
  'redis+cluster://a:1,b:2,[::1]:3/0',
  'rediss+sentinel://:secret@s1,s2:26380/mymaster',
];
const addresses = fc.oneof(
  cut(fc.constantFrom(...ADDRESSES)),
  cut(cut(fc.constantFrom(...ADDRESSES))),
);

export const redisAddresses = holds('REDIS_URL', fc.oneof(addresses, oddText), (text) => {
  const address = parseRedisAddress(text);
  if (address === undefined) return;
  expect(address.nodes.length).toBeGreaterThan(0);
  for (const { host, port } of address.nodes) {
    expect(host).toMatch(/^[\w.:-]+$/);
    expect(port).toBeGreaterThan(0);
    expect(port).toBeLessThan(65_536);
  }
  if (address.kind === 'server') expect(address.database).toBeLessThan(10_000);
  if (address.kind === 'sentinel') expect(address.name).not.toBe('');
});
