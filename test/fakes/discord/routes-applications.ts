/** The application: who it is, its commands, and where its gateway is. */

import {
  type APIApplicationCommand,
  ApplicationCommandType,
  ApplicationFlags,
} from 'discord-api-types/v10';
import { check } from './form-body.ts';
import { userPayload } from './payloads.ts';
import { missingAccess, notFound } from './refusal.ts';
import { noContent, ok, param, type Request, type RouteTable } from './routing.ts';
import { type CommandBody, commandBody, commandList } from './shape-commands.ts';
import type { World } from './world.ts';

export interface GatewayAdvice {
  readonly url: () => string;
  readonly shards: () => number;
  readonly maxConcurrency: number;
}

export function applicationRoutes(world: World, gateway: GatewayAdvice): RouteTable {
  const ours = (request: Request): void => {
    if (param(request, 'application') !== world.applicationId) throw missingAccess();
  };

  /** Under its old id where there was one of its name and type. */
  const registered = (body: CommandBody): APIApplicationCommand => {
    const type = body.type ?? ApplicationCommandType.ChatInput;
    const before = world.commands.find((it) => it.name === body.name && it.type === type);
    return {
      default_member_permissions: null,
      contexts: null,
      integration_types: [0],
      nsfw: false,
      description: '',
      ...JSON.parse(JSON.stringify(body)),
      type,
      id: before?.id ?? world.clock.nextId(),
      application_id: world.applicationId,
      version: world.clock.nextId(),
    };
  };

  return {
    'GET /gateway': () => ok({ url: gateway.url() }),

    'GET /gateway/bot': () =>
      ok({
        url: gateway.url(),
        shards: gateway.shards(),
        session_start_limit: {
          total: 1000,
          remaining: 1000,
          reset_after: 86_400_000,
          max_concurrency: gateway.maxConcurrency,
        },
      }),

    'GET /applications/@me': () => ok(application(world)),
    'GET /oauth2/applications/@me': () => ok(application(world)),

    'GET /applications/:application/commands': (request) => {
      ours(request);
      return ok(world.commands);
    },

    'PUT /applications/:application/commands': (request) => {
      ours(request);
      world.commands = check(commandList, request.json ?? []).map(registered);
      return ok(world.commands);
    },

    'POST /applications/:application/commands': (request) => {
      ours(request);
      const command = registered(check(commandBody, request.json));
      world.commands = [...world.commands.filter(({ id }) => id !== command.id), command];
      return ok(command, 201);
    },

    'DELETE /applications/:application/commands/:command': (request) => {
      ours(request);
      const id = param(request, 'command');
      if (!world.commands.some((it) => it.id === id)) throw notFound();
      world.commands = world.commands.filter((it) => it.id !== id);
      return noContent;
    },
  };
}

function application(world: World): unknown {
  const { messageContent, guildMembers, presence } = world.portal;
  return {
    id: world.applicationId,
    name: world.bot.name,
    icon: null,
    description: '',
    summary: '',
    bot_public: true,
    bot_require_code_grant: false,
    verify_key: '0'.repeat(64),
    team: null,
    bot: userPayload(world.bot),
    flags:
      (messageContent ? ApplicationFlags.GatewayMessageContentLimited : 0) |
      (guildMembers ? ApplicationFlags.GatewayGuildMembersLimited : 0) |
      (presence ? ApplicationFlags.GatewayPresenceLimited : 0),
    approximate_guild_count: world.guilds.size,
    integration_types_config: { 0: {}, 1: {} },
  };
}
