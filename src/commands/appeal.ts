/** /appeal: has the operator look at a pause or a suspension, once for each. */

import type { Vault } from '../keys/vault.ts';
import type { Suspensions } from '../moderation/suspensions.ts';
import type { OperatorDesk } from '../operator/desk.ts';
import { moderationText } from '../text/moderation.ts';
import type { Command } from './command.ts';

/** In characters: it has to fit into one message to the operator. */
const MOST = 1_000;

export function createAppeal({
  suspensions,
  vault,
  operators,
}: {
  readonly suspensions: Pick<Suspensions, 'current' | 'appeal'>;
  readonly vault: Pick<Vault, 'seal'>;
  readonly operators: OperatorDesk;
}): Command {
  return {
    name: 'appeal',
    description: 'Have the operator look at a suspension',
    where: 'direct',
    async run({ userId, argument, answer, sender, chat }) {
      const suspension = await suspensions.current(userId);
      if (suspension === undefined) return answer(moderationText.nothingToAppeal());
      if (suspension.appealed) return answer(moderationText.appealedBefore());
      const words = argument.trim();
      if (words === '') return answer(moderationText.appealHow(suspension));
      if (words.length > MOST) return answer(moderationText.appealTooLong(MOST));
      const { id, reason } = suspension;
      const sealed = await vault.seal(userId, { purpose: 'appeal', row: String(id) }, words);
      // Of two at once, one is taken.
      const isTaken = await suspensions.appeal(id, { ownerId: userId, sealed });
      if (!isTaken) return answer(moderationText.appealedBefore());
      const account = `${chat.platform}:${sender.platformUserId}`;
      operators.warn(
        `appeal: ${id}`,
        moderationText.appealArrived({ id, account, reason, words }),
        `an appeal against suspension ${id}`,
      );
      answer(moderationText.appealed());
    },
  };
}
