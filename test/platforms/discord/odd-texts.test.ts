import { expect, test } from 'vitest';
import { filesOf } from '../../../src/platforms/discord/attachments.ts';
import { argumentOf } from '../../../src/platforms/discord/command-options.ts';
import { displayName } from '../../../src/platforms/discord/people.ts';
import { readableText } from '../../../src/platforms/discord/readable.ts';

const ODD = 'a\u0000b\ud800c';
const CLEAN = 'ab\ufffdc';

test('NUL and half a surrogate pair, which no database takes, are in nothing that is read', () => {
  const user = { id: '7', username: ODD, global_name: null, discriminator: '0', avatar: null };
  expect(displayName(user)).toBe(CLEAN);
  expect(displayName(user, ODD)).toBe(CLEAN);
  expect(readableText({ content: ODD })).toBe(CLEAN);
  expect(readableText({ content: '', embeds: [{ title: ODD }] })).toBe(CLEAN);
  expect(argumentOf('ask', new Map([['prompt', ODD]]))).toBe(CLEAN);
  const [file] = filesOf(
    [{ id: '1', filename: ODD, size: 1, url: 'u', proxy_url: 'u', content_type: `${ODD}; x` }],
    { channelId: '2' },
  );
  expect(file).toMatchObject({ name: CLEAN, mediaType: CLEAN });
});
