/** The small commands: /start, /help, /privacy, /terms, /new, /stop. */

import type { Identities } from '../chat/identities.ts';
import type { Mailbox } from '../queue/mailbox.ts';
import { generalText } from '../text/general.ts';
import type { Command } from './command.ts';

export function createStart(parts: {
  readonly facts: Parameters<typeof generalText.greeting>[0];
  /** Runs the command that a deep link names. @returns false where there is none of that name */
  readonly runLinked: (context: Parameters<Command['run']>[0]) => Promise<boolean>;
}): Command {
  return {
    name: 'start',
    description: 'What this is',
    where: 'everywhere',
    async run(context) {
      const linked = context.chat.kind === 'direct' && context.argument !== '';
      if (linked && (await parts.runLinked(context))) return;
      context.answer(generalText.greeting(parts.facts));
    },
  };
}

export function createHelp(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    description: 'What I can do',
    where: 'everywhere',
    run: async (context) => {
      context.answer(generalText.help(commands(), context.chat.kind === 'group'));
    },
  };
}

/** @param markdown the whole text, the operator's own or the built-in one */
export function createPrivacy(markdown: string): Command {
  return {
    name: 'privacy',
    description: 'What is kept, and where words travel',
    where: 'everywhere',
    run: async (context) => context.answer({ markdown }),
  };
}

/** @param markdown as for {@link createPrivacy} */
export function createTerms(markdown: string): Command {
  return {
    name: 'terms',
    description: 'Who pays, and who is liable',
    where: 'everywhere',
    run: async (context) => context.answer({ markdown }),
  };
}

export function createNew({ identities }: { readonly identities: Identities }): Command {
  return {
    name: 'new',
    description: 'Start a new conversation',
    where: 'everywhere',
    async run(context) {
      await identities.newConversation(context.chat);
      context.answer(generalText.newConversation());
    },
  };
}

export function createStop(parts: {
  readonly identities: Identities;
  readonly mailbox: Mailbox;
}): Command {
  return {
    name: 'stop',
    description: 'Stop the answer',
    where: 'everywhere',
    async run(context) {
      const chat = await parts.identities.chatOf(context.chat);
      const scope = { userId: context.userId, chatId: chat.id };
      const { running, waiting } = await parts.mailbox.cancel(scope, 'stopped');
      context.answer(generalText.stopped(running, waiting));
    },
  };
}
