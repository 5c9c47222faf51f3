import fc from 'fast-check';
import { expect } from 'vitest';
import * as discord from '../../../src/platforms/discord/render/index.ts';
import * as telegram from '../../../src/platforms/telegram/render/index.ts';
import { anyText, faults } from '../../platforms/telegram/render/support.ts';
import { holds } from '../property.ts';

/** Also what is longer than a message, of few kinds of pieces: where time grows faster than length. */
const markdown = fc.oneof(
  { weight: 4, arbitrary: anyText },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyText, fc.nat({ max: 400 }), anyText)
      .map(([piece, times, end]) => (piece.repeat(times) + end).slice(0, 20_000)),
  },
);

export const telegramEntities = holds('Markdown for Telegram', markdown, (text) => {
  const parts = telegram.split(telegram.render(text));
  for (const part of [...parts, telegram.renderPreview(text)]) {
    expect(faults(part)).toEqual([]);
    expect(part.text.length).toBeLessThanOrEqual(telegram.MESSAGE_LIMIT);
    expect(part.entities.length).toBeLessThanOrEqual(telegram.ENTITY_LIMIT);
  }
});

export const discordMessages = holds('Markdown for Discord', markdown, (text) => {
  const messages = discord.split(discord.render(text));
  for (const message of messages) expect(message.trim()).not.toBe('');
  for (const message of [...messages, discord.renderPreview(text, discord.MESSAGE_LIMIT)]) {
    expect(message.length).toBeLessThanOrEqual(discord.MESSAGE_LIMIT);
    expect(message.isWellFormed()).toBe(true);
    expect(message).not.toContain('\u0000');
  }
});
