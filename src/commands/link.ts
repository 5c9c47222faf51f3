/** /link: makes a code on one platform, and joins the accounts where it is sent in on another. */

import type { LinkCodes } from '../chat/link-codes.ts';
import type { Linking } from '../chat/linking.ts';
import type { Identity } from '../keys/key-prompts.ts';
import { isProviderId, providerEntry } from '../llm/catalogue.ts';
import { linkingText } from '../text/linking.ts';
import { type Command, type CommandContext, rowId } from './command.ts';
import { identityOf, type TellLinked } from './linked-notices.ts';

export function createLink({
  codes,
  linking,
  tell,
  whoPays,
}: {
  readonly codes: LinkCodes;
  readonly linking: Linking;
  readonly tell: TellLinked;
  /** From now on, in a sentence. */
  readonly whoPays: (account: Identity) => Promise<string>;
}): Command {
  async function make(context: CommandContext): Promise<void> {
    const made = await codes.make(identityOf(context));
    context.answer(
      made.result === 'made'
        ? linkingText.code(made.code, made.expiresAt)
        : linkingText.tooManyCodes(made.retryAt),
    );
  }

  async function ask(context: CommandContext, id: number, there: Identity): Promise<void> {
    const here = identityOf(context);
    const { bothHave } = await linking.preview(here, there);
    context.answer(
      linkingText.confirm({
        id,
        here: here.platform,
        there: there.platform,
        bothHave: bothHave.map((both) => ({ ...both, provider: nameOf(both.provider) })),
      }),
    );
  }

  async function confirm(context: CommandContext, id: number): Promise<void> {
    const here = identityOf(context);
    const done = await linking.link(here, id);
    switch (done.result) {
      case 'linked': {
        const payer = await whoPays(here);
        context.replace(linkingText.linked(done.with.platform, payer));
        tell(context, [done.with], async () => linkingText.linkedThere(here.platform, payer));
        break;
      }
      case 'busy':
        context.replace(linkingText.busy(`link:yes-${id}`));
        break;
      case 'platform-taken':
        context.replace(linkingText.platformTaken(done.platform));
        break;
      case 'already':
      case 'over': {
        // Pressed twice, the second press finds the code used.
        const all = await linking.linked(here);
        context.replace(
          all.length > 1
            ? linkingText.alreadyLinked(all.map((one) => one.platform))
            : linkingText.over(),
        );
        break;
      }
    }
  }

  return {
    name: 'link',
    description: 'Use my keys and allowance on another platform too',
    where: 'direct',

    async run(context) {
      // A link into the chat can name a code too, and that would be somebody else's doing.
      if (context.argument.trim() === '' || context.messageId === undefined) {
        await make(context);
        return;
      }
      const taken = await codes.take(identityOf(context), context.argument);
      switch (taken.result) {
        case 'taken':
          await ask(context, taken.id, taken.maker);
          break;
        case 'own':
          context.answer(linkingText.own());
          break;
        case 'same-platform':
          context.answer(linkingText.samePlatform());
          break;
        case 'wrong':
          context.answer(linkingText.wrong());
          break;
        case 'limited':
          context.answer(linkingText.tooManyTries(taken.retryAt));
          break;
      }
    },

    async press(context) {
      const [verb, number] = context.argument.split('-');
      const id = rowId(number);
      if (verb === 'yes') await confirm(context, id);
      else {
        await codes.drop({ id, taker: identityOf(context) });
        context.replace(linkingText.declined());
      }
    },

    async misplaced(context) {
      if (context.argument === '') return;
      await codes.drop({ text: context.argument });
      const notice = linkingText.codeShown();
      context.answer(notice, notice.markdown);
    },
  };
}

const nameOf = (provider: string) =>
  isProviderId(provider) ? providerEntry(provider).name : provider;
