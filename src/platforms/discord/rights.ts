import type { REST } from '@discordjs/rest';
import {
  type APIGuild,
  type APIGuildMember,
  PermissionFlagsBits,
  Routes,
} from 'discord-api-types/v10';
import { z } from 'zod';
import type { ChatRights } from '../../chat/chat-rights.ts';
import { toPlatformError } from './errors.ts';

const guildSchema = z.object({
  owner_id: z.string(),
  roles: z.array(z.object({ id: z.string(), permissions: z.string().regex(/^\d+$/) })),
}) satisfies z.ZodType<Pick<APIGuild, 'owner_id'>>;

const memberSchema = z.object({ roles: z.array(z.string()) }) satisfies z.ZodType<
  Pick<APIGuildMember, 'roles'>
>;

const MANAGERS = PermissionFlagsBits.ManageGuild | PermissionFlagsBits.Administrator;

/** Who may manage a server manages all its chats: its owner, and roles with Manage Server. */
export function createDiscordRights({ rest }: { readonly rest: REST }): ChatRights {
  return {
    opensThreads: true,
    async mayManage({ wholeId, kind }, platformUserId) {
      // A channel elsewhere, where only the user has installed the app, is nobody's to manage.
      if (kind === 'direct' || wholeId === undefined) return false;
      try {
        const [guild, member] = await Promise.all([
          rest.get(Routes.guild(wholeId)).then((body) => guildSchema.parse(body)),
          rest
            .get(Routes.guildMember(wholeId, platformUserId))
            .then((body) => memberSchema.parse(body)),
        ]);
        if (guild.owner_id === platformUserId) return true;
        // The role for everybody has the server's own id.
        const roles = new Set([wholeId, ...member.roles]);
        return guild.roles.some(
          ({ id, permissions }) => roles.has(id) && (BigInt(permissions) & MANAGERS) !== 0n,
        );
      } catch (error) {
        const failure = toPlatformError(error);
        // The bot is not in the server, or the person is not.
        if (failure.code === 'gone' || failure.code === 'blocked') return false;
        throw failure;
      }
    },

    async isThere({ wholeId }, platformUserId) {
      if (wholeId === undefined) return true;
      try {
        memberSchema.parse(await rest.get(Routes.guildMember(wholeId, platformUserId)));
        return true;
      } catch (error) {
        const failure = toPlatformError(error);
        if (failure.code === 'gone') return false;
        // The bot may not look.
        if (failure.code === 'blocked') return true;
        throw failure;
      }
    },
  };
}
