/** Who pays for a question that waits for it ("ask me" in /settings); reached by a button only. */

import { FUNDING_KINDS } from '../funding/funding-kind.ts';
import type { Payers } from '../funding/payers.ts';
import { payersText } from '../text/payers.ts';
import { sealedText } from '../text/sealed.ts';
import { type AskAgainParts, createAskAgain } from './ask-again.ts';
import { type Command, rowId } from './command.ts';

export function createPay({
  payers,
  ...parts
}: AskAgainParts & { readonly payers: Pick<Payers, 'able'> }): Command {
  const askAgain = createAskAgain(parts);
  return {
    name: 'pay',
    description: '',
    where: 'direct',
    async run({ userId, argument, answer }) {
      const able = await payers.able({ userId });
      const kinds = [...new Set(able.map(({ kind }) => kind))];
      const turnId = rowId(argument);
      answer(
        kinds.length === 0 || turnId === 0
          ? payersText.nothingToPay()
          : payersText.ask(turnId, kinds),
      );
    },
    async press(context) {
      const [name, turnId] = context.argument.split('-');
      const payerChoice = FUNDING_KINDS.find((kind) => kind === name);
      if (payerChoice === undefined) return;
      const decision = { outcome: 'payer-needed' as const, payerChoice };
      const notice = {
        asked: () => payersText.chosen(payerChoice),
        nothing: payersText.nothingToPay,
        sealed: sealedText.lost,
      }[await askAgain(context.userId, rowId(turnId), decision)];
      context.replace(notice());
    },
  };
}
