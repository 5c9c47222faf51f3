import type { CommandMenu } from '../chat/command-menu.ts';
import { codeHelpMenu } from '../text/code-help.ts';
import type { Command } from './command.ts';

export function commandMenu(commands: readonly Command[]): CommandMenu {
  const shown = commands.filter((command) => command.description !== '');
  const entry = ({ name, description, isPrivate = false }: Command) => ({
    name,
    description,
    isPrivate,
  });
  return {
    direct: shown.map(entry),
    // Typed, they work everywhere.
    onMessage: codeHelpMenu,
    group: [
      { name: 'ask', description: 'Ask, or reply with it to a message', isPrivate: false },
      ...shown.filter((c) => c.where === 'everywhere' && c.name !== 'start').map(entry),
    ],
  };
}
