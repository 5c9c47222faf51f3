/** The commands that Discord shows, made of the core's menu. */

import {
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  PermissionFlagsBits,
  type RESTPostAPIApplicationCommandsJSONBody,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord-api-types/v10';
import type { CommandMenu, MenuCommand } from '../../chat/command-menu.ts';
import { commandDescriptions as descriptions } from '../../text/discord.ts';
import { optionsOf } from './command-options.ts';
import type { KeyProvider } from './interactions/key-form.ts';

const { Guild, BotDM, PrivateChannel } = InteractionContextType;
const EVERYWHERE = [Guild, BotDM, PrivateChannel];
const INSTALLS = [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall];

const IN_SERVERS = {
  contexts: [Guild],
  integration_types: [ApplicationIntegrationType.GuildInstall],
};

/** Characters that Discord takes. */
const MOST_DESCRIPTION = 100;

export function registeredCommands(
  menu: CommandMenu,
  providers: readonly KeyProvider[],
): readonly RESTPostAPIApplicationCommandsJSONBody[] {
  const all = new Map([...menu.direct, ...menu.group].map((command) => [command.name, command]));
  return [
    ...[...all.values()].map((command) => slashCommand(command, menu, providers)),
    // In direct messages Discord would show them to everybody: there it has no rights to go by.
    ...(menu.operators?.commands ?? []).map((command) => ({
      ...slashCommand(command, menu, providers),
      ...IN_SERVERS,
      default_member_permissions: String(PermissionFlagsBits.Administrator),
    })),
    ...menu.onMessage.map(({ label }) => ({
      type: ApplicationCommandType.Message as const,
      name: label,
      contexts: EVERYWHERE,
      integration_types: INSTALLS,
    })),
  ];
}

function slashCommand(
  { name, description }: MenuCommand,
  menu: CommandMenu,
  providers: readonly KeyProvider[],
): RESTPostAPIChatInputApplicationCommandsJSONBody {
  const options = optionsOf(name, providers);
  const command = {
    type: ApplicationCommandType.ChatInput as const,
    name,
    description: (isOwn(name) ? descriptions[name] : description).slice(0, MOST_DESCRIPTION),
    ...(options.length === 0 ? {} : { options: [...options] }),
  };
  // It sets up a server, which takes the bot to be there and a person who may manage it.
  if (name === 'chat') {
    return {
      ...command,
      ...IN_SERVERS,
      default_member_permissions: String(PermissionFlagsBits.ManageGuild),
    };
  }
  return { ...command, contexts: contextsOf(name, menu), integration_types: INSTALLS };
}

/** Whether Discord has words of its own for what it does. */
function isOwn(name: string): name is keyof typeof descriptions {
  return Object.hasOwn(descriptions, name);
}

function contextsOf(name: string, menu: CommandMenu): InteractionContextType[] {
  // Where a key is missing is often a server: there it leads to the direct chat.
  if (name === 'ask' || name === 'setkey') return EVERYWHERE;
  return EVERYWHERE.filter((context) =>
    (context === BotDM ? menu.direct : menu.group).some((command) => command.name === name),
  );
}
