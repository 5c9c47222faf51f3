import { codeHelpMenu } from '../text/code-help.ts';
import type { Command } from './command.ts';

/** What the platform's menu shows, by where it is opened. */
export function commandMenu(commands: readonly Command[]) {
  const shown = commands.filter((command) => command.description !== '');
  const entry = ({ name, description, isPrivate = false }: Command) => ({
    name,
    description,
    isPrivate,
  });
  return {
    direct: shown.map(entry),
    /** For platforms whose messages have a menu; typed, they work everywhere. */
    onMessage: codeHelpMenu,
    group: [
      { name: 'ask', description: 'Ask, or reply with it to a message', isPrivate: false },
      ...shown.filter((c) => c.where === 'everywhere' && c.name !== 'start').map(entry),
    ],
  };
}
