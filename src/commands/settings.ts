/** /settings: a person's own page. A further setting is one entry more in `settings-list.ts`. */

import type { Button } from '../chat/button.ts';
import { RUN_ACTION } from '../chat/buttons.ts';
import type { Notice } from '../chat/platform.ts';
import { settingsText } from '../text/settings.ts';
import type { Command, CommandContext } from './command.ts';

/** What a person can do about a setting: set it here, or be led to the command that does. */
export type SettingChoice =
  | { readonly label: string; readonly set: string }
  | { readonly label: string; readonly command: string };

export interface Setting {
  /** Short, since it stands in the actions of buttons, and without `-`. */
  readonly id: string;
  readonly label: string;
  /** Its value in Markdown, and what can be done about it now. */
  read(context: CommandContext): Promise<{
    readonly value: string;
    readonly choices: readonly SettingChoice[];
  }>;
  /** @param choice of a button, which anybody can make up: what is none of its own changes nothing */
  set?(context: CommandContext, choice: string): Promise<void>;
}

export function createSettings(settings: readonly Setting[]): Command {
  async function page(context: CommandContext): Promise<Notice> {
    const shown = await Promise.all(
      settings.map(async (setting) => {
        const { value, choices } = await setting.read(context);
        return { label: setting.label, value, buttons: choices.map((c) => button(setting, c)) };
      }),
    );
    return settingsText.page(shown);
  }

  return {
    name: 'settings',
    description: 'My settings',
    where: 'direct',
    async run(context) {
      context.answer(await page(context));
    },
    async press(context) {
      const [id, ...choice] = context.argument.split('-');
      await settings.find((setting) => setting.id === id)?.set?.(context, choice.join('-'));
      context.replace(await page(context));
    },
  };
}

function button(setting: Setting, choice: SettingChoice): Button {
  return 'command' in choice
    ? { label: choice.label, action: `${RUN_ACTION}${choice.command}` }
    : { label: choice.label, action: `settings:${setting.id}-${choice.set}` };
}
