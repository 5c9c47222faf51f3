/** /redeem: takes the code of a voucher, which becomes a credit. */

import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Redeeming } from '../funding/redeeming.ts';
import { redeemText } from '../text/redeem.ts';
import type { Command } from './command.ts';
import { identityOf } from './linked-notices.ts';

export function createRedeem({
  redeeming,
  sender,
}: {
  readonly redeeming: Pick<Redeeming, 'redeem'>;
  readonly sender: (platform: PlatformName) => PlatformSender;
}): Command {
  return {
    name: 'redeem',
    description: 'Redeem a code for a credit',
    where: 'direct',

    async run(context) {
      const { chat, argument, answer } = context;
      // Where messages can't be deleted, forms take what is nobody else's business.
      const byForm = !sender(chat.platform).traits.deletesDirectMessages;
      if (argument.trim() === '') return answer(redeemText.ask(byForm));
      const redeemed = await redeeming.redeem(identityOf(context), argument);
      switch (redeemed.result) {
        case 'redeemed':
          return answer(redeemText.redeemed(redeemed));
        case 'limited':
          return answer(redeemText.limited(redeemed.retryAt));
        default:
          return answer(redeemText.again(redeemText[redeemed.result](), byForm));
      }
    },

    async misplaced(context) {
      const { chat, argument, messageId, leavesNoMessage } = context;
      if (argument.trim() === '') return;
      const deletion =
        messageId === undefined || leavesNoMessage === true
          ? 'none'
          : await sender(chat.platform).deleteMessage(chat, messageId);
      const notice = redeemText.shown(deletion);
      context.answer(notice, notice.markdown);
    },
  };
}
