/** Whom a message names, and whom it makes a sound for. */

import {
  AllowedMentionsTypes,
  type APIAllowedMentions,
  PermissionFlagsBits as Bit,
} from 'discord-api-types/v10';
import { botMay, userPermissionsIn } from './permissions.ts';
import type { ChannelRecord, Mentions, MessageRecord } from './records.ts';
import type { Pings } from './types-seen.ts';
import type { World } from './world.ts';

export const NO_PINGS: Pings = { users: [], roles: [], everyone: false, repliedUser: false };
export const NO_MENTIONS: Mentions = { users: [], roles: [], everyone: false };

export interface Naming {
  readonly channel: ChannelRecord;
  readonly authorId: string;
  readonly content: string;
  /** Absent: all may be named that the text names. */
  readonly allowed: APIAllowedMentions | undefined;
  readonly repliedTo: MessageRecord | undefined;
}

export function pingsOf(world: World, naming: Naming): Pings {
  const { allowed, repliedTo } = naming;
  const text = withoutCode(naming.content);
  const guild = world.guildOf(naming.channel);
  const mentionsAll =
    naming.authorId === world.bot.id
      ? guild !== undefined && botMay(world, naming.channel, Bit.MentionEveryone)
      : guild !== undefined &&
        (userPermissionsIn(guild, naming.authorId) & Bit.MentionEveryone) !== 0n;
  const may = (type: AllowedMentionsTypes, id?: string): boolean => {
    if (allowed === undefined || allowed.parse?.includes(type) === true) return true;
    const ids = type === AllowedMentionsTypes.User ? allowed.users : allowed.roles;
    return id !== undefined && ids?.includes(id) === true;
  };
  const users = unique(text.matchAll(/<@!?(\d{17,20})>/g)).filter(
    (id) => world.users.has(id) && may(AllowedMentionsTypes.User, id),
  );
  const roles = unique(text.matchAll(/<@&(\d{17,20})>/g)).filter((id) => {
    const role = guild?.roles.get(id);
    return (
      role !== undefined && (role.mentionable || mentionsAll) && may(AllowedMentionsTypes.Role, id)
    );
  });
  const everyone =
    /@(?:everyone|here)\b/.test(text) && mentionsAll && may(AllowedMentionsTypes.Everyone);
  const repliedUser =
    repliedTo !== undefined &&
    repliedTo.authorId !== naming.authorId &&
    (allowed === undefined || allowed.replied_user === true);
  return { users, roles, everyone, repliedUser };
}

export function mentionsOf(pings: Pings, repliedTo: MessageRecord | undefined): Mentions {
  const replied = pings.repliedUser && repliedTo !== undefined ? [repliedTo.authorId] : [];
  return {
    users: [...new Set([...pings.users, ...replied])],
    roles: pings.roles,
    everyone: pings.everyone,
  };
}

export function joined(before: Pings, now: Pings): Pings {
  return {
    users: [...new Set([...before.users, ...now.users])],
    roles: [...new Set([...before.roles, ...now.roles])],
    everyone: before.everyone || now.everyone,
    repliedUser: before.repliedUser || now.repliedUser,
  };
}

/** Links that unfold, as Discord's apps find them: not in code and not in `<…>`. */
export function linksOf(content: string): string[] {
  const text = withoutCode(content).replaceAll(/<https?:\/\/[^\s>]+>/g, ' ');
  return [...new Set([...text.matchAll(/https?:\/\/[^\s<>)\]]+/g)].map(([link]) => link))];
}

function withoutCode(text: string): string {
  return text.replaceAll(/```[\s\S]*?```/g, ' ').replaceAll(/`[^`\n]+`/g, ' ');
}

function unique(matches: Iterable<RegExpMatchArray>): string[] {
  return [...new Set([...matches].flatMap(([, id]) => (id === undefined ? [] : [id])))];
}
