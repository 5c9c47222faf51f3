import type { ChatAddress } from './message.ts';
import type { Button } from './platform.ts';

/** Prefix of the action of a button that runs a command where it is pressed: `run:setkey`. */
export const RUN_ACTION = 'run:';

/** In the direct chat itself, buttons that lead there run their command on the spot. */
export function directChatButtons(
  kind: ChatAddress['kind'],
  buttons: readonly (readonly Button[])[],
): readonly (readonly Button[])[] {
  if (kind === 'group') return buttons;
  return buttons.map((row) =>
    row.map((button) =>
      'directChat' in button
        ? { label: button.label, action: `${RUN_ACTION}${button.directChat}` }
        : button,
    ),
  );
}
