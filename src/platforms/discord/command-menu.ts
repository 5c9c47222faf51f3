/** The commands that Discord shows, made of the core's menu. */

import {
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  InteractionContextType,
  PermissionFlagsBits,
  type RESTPostAPIApplicationCommandsJSONBody,
  type RESTPostAPIChatInputApplicationCommandsJSONBody,
} from 'discord-api-types/v10';
import type { CommandMenu, MenuCommand } from '../../chat/command-menu.ts';
import { commandTexts } from '../../text/discord.ts';

const { Guild, BotDM, PrivateChannel } = InteractionContextType;
const EVERYWHERE = [Guild, BotDM, PrivateChannel];
const INSTALLS = [ApplicationIntegrationType.GuildInstall, ApplicationIntegrationType.UserInstall];

/** Characters that Discord takes. */
const MOST_DESCRIPTION = 100;
const MOST_PROMPT = 6000;
const MOST_CODE = 60;

type Option = NonNullable<RESTPostAPIChatInputApplicationCommandsJSONBody['options']>[number];

export function registeredCommands(
  menu: CommandMenu,
): readonly RESTPostAPIApplicationCommandsJSONBody[] {
  const all = new Map([...menu.direct, ...menu.group].map((command) => [command.name, command]));
  return [
    ...[...all.values()].map((command) => slashCommand(command, menu)),
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
): RESTPostAPIChatInputApplicationCommandsJSONBody {
  const options = optionsOf(name);
  const command = {
    type: ApplicationCommandType.ChatInput as const,
    name,
    description: description.slice(0, MOST_DESCRIPTION),
    ...(options.length === 0 ? {} : { options: [...options] }),
  };
  // It sets up a server, which takes the bot to be there and a person who may manage it.
  if (name === 'chat') {
    return {
      ...command,
      contexts: [Guild],
      integration_types: [ApplicationIntegrationType.GuildInstall],
      default_member_permissions: String(PermissionFlagsBits.ManageGuild),
    };
  }
  return { ...command, contexts: contextsOf(name, menu), integration_types: INSTALLS };
}

function contextsOf(name: string, menu: CommandMenu): InteractionContextType[] {
  // Where a key is missing is often a server: there it leads to the direct chat.
  if (name === 'ask' || name === 'setkey') return EVERYWHERE;
  return EVERYWHERE.filter((context) =>
    (context === BotDM ? menu.direct : menu.group).some((command) => command.name === name),
  );
}

function optionsOf(name: string): readonly Option[] {
  switch (name) {
    case 'ask':
      return [
        {
          type: ApplicationCommandOptionType.String,
          name: 'prompt',
          description: commandTexts.ask.prompt,
          required: true,
          max_length: MOST_PROMPT,
        },
        {
          type: ApplicationCommandOptionType.Attachment,
          name: 'file',
          description: commandTexts.ask.file,
        },
        {
          type: ApplicationCommandOptionType.Boolean,
          name: 'private',
          description: commandTexts.ask.private,
        },
      ];
    case 'model':
      return [
        {
          type: ApplicationCommandOptionType.String,
          name: 'model',
          description: commandTexts.model,
          autocomplete: true,
        },
      ];
    case 'redeem':
      return [
        {
          type: ApplicationCommandOptionType.String,
          name: 'code',
          description: commandTexts.redeem,
          max_length: MOST_CODE,
        },
      ];
    // An option is no place for a key: it would stand in everybody's sight while it is typed.
    case 'setkey':
      return [];
    default:
      return [
        {
          type: ApplicationCommandOptionType.String,
          name: 'argument',
          description: commandTexts.argument,
        },
      ];
  }
}
