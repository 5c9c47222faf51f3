import type { APIUser } from 'discord-api-types/v10';
import type { Sender } from '../../chat/message.ts';
import { storable } from '../../chat/storable.ts';

/** @param nick what the person is called in the server */
export function displayName(user: APIUser, nick?: string | null): string {
  return storable(nick ?? user.global_name ?? user.username);
}

export function senderOf(user: APIUser, nick?: string | null): Sender {
  return { platformUserId: user.id, displayName: displayName(user, nick) };
}

/** Bots, webhooks and Discord itself are no users. */
export function isPerson(user: APIUser): boolean {
  return user.bot !== true && user.system !== true;
}
