/** Which messages of a group a bot gets to see. */

import type { LiveMessage, World } from './state.ts';

/**
 * With privacy mode on, and without administrator's rights: commands without an address or with
 * its own, mentions of it, replies to it, and service messages.
 */
export function isDelivered(world: World, message: LiveMessage, isService: boolean): boolean {
  const record = world.chats.get(message.chat.id);
  if (record === undefined || record.bot === 'kicked' || record.bot === 'left') return false;
  if (message.chat.type === 'private' || isService || message.ephemeral_message_id !== undefined) {
    return true;
  }
  if (world.bot.can_read_all_group_messages || record.bot === 'administrator') return true;
  if (message.reply_to_message?.from?.id === world.bot.id) return true;
  const text = message.text ?? message.caption ?? '';
  const entities = message.entities ?? message.caption_entities ?? [];
  const name = `@${world.bot.username}`.toLowerCase();
  return entities.some((entity) => {
    if (entity.type === 'text_mention') return entity.user.id === world.bot.id;
    const words = text.slice(entity.offset, entity.offset + entity.length).toLowerCase();
    if (entity.type === 'mention') return words === name;
    return entity.type === 'bot_command' && (!words.includes('@') || words.endsWith(name));
  });
}
