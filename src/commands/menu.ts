import type { CommandMenu, MenuForSome } from '../chat/command-menu.ts';
import { codeHelpMenu } from '../text/code-help.ts';
import type { Command } from './command.ts';

export function commandMenu(
  commands: readonly Command[],
  operators: MenuForSome['accounts'] = [],
): CommandMenu {
  const named = commands.filter((command) => command.description !== '');
  const shown = named.filter((command) => command.isFor === undefined);
  const forSome = named.filter((command) => command.isFor !== undefined);
  const entry = ({ name, description, isPrivate = false }: Command) => ({
    name,
    description,
    isPrivate,
  });
  return {
    direct: shown.map(entry),
    ...(operators.length === 0
      ? {}
      : { operators: { commands: forSome.map(entry), accounts: operators } }),
    // Typed, they work everywhere.
    onMessage: codeHelpMenu,
    group: [
      { name: 'ask', description: 'Ask, or reply with it to a message', isPrivate: false },
      ...shown.filter((c) => c.where === 'everywhere' && c.name !== 'start').map(entry),
    ],
  };
}
