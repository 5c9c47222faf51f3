/** /unlink: separates linked accounts again. */

import type { Linking } from '../chat/linking.ts';
import type { Identity } from '../keys/key-prompts.ts';
import { linkingText } from '../text/linking.ts';
import type { Command } from './command.ts';
import { identityOf, type TellLinked } from './linked-notices.ts';

export function createUnlink({
  linking,
  tell,
  whoPays,
}: {
  readonly linking: Linking;
  readonly tell: TellLinked;
  /** In a sentence; after the separation each account has its own answer. */
  readonly whoPays: (account: Identity) => Promise<string>;
}): Command {
  return {
    name: 'unlink',
    description: 'Separate my linked accounts',
    where: 'direct',

    async run(context) {
      const all = await linking.linked(identityOf(context));
      context.answer(
        all.length < 2
          ? linkingText.notLinked()
          : linkingText.confirmUnlink(all.map((one) => one.platform)),
      );
    },

    async press(context) {
      if (context.argument !== 'yes') {
        context.replace(linkingText.unlinkDeclined());
        return;
      }
      const here = identityOf(context);
      const done = await linking.unlink(here);
      if (done.result === 'busy') context.replace(linkingText.busy('unlink:yes'));
      else if (done.result === 'not-linked') context.replace(linkingText.notLinked());
      else {
        context.replace(linkingText.unlinked(await whoPays(here)));
        tell(context, done.others, async (other) =>
          linkingText.unlinkedThere(here.platform, await whoPays(other)),
        );
      }
    },
  };
}
