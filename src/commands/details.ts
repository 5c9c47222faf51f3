/** "Details": shows a notice to the one person of a group whom it is for. */

import { DETAILS, type PrivateNotices } from '../chat/private-notices.ts';
import { generalText } from '../text/general.ts';
import type { Command, CommandContext } from './command.ts';

export function createDetails({
  privateNotices,
}: {
  readonly privateNotices: PrivateNotices;
}): Command {
  async function show(context: CommandContext): Promise<void> {
    const held = await privateNotices.read(context.argument);
    const notice =
      held === undefined
        ? generalText.noLongerHeld()
        : held.userId === context.userId
          ? held.notice
          : generalText.forSomebodyElse();
    context.answer(notice, generalText.forYouAlone().markdown);
  }
  return { name: DETAILS, description: '', where: 'everywhere', run: show, press: show };
}
