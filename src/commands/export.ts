/** /export: everything that is known of the user, as files in the private chat. */

import type { PlatformName } from '../chat/message.ts';
import type { PlatformSender } from '../chat/platform.ts';
import type { Audit } from '../keys/audit.ts';
import { exportText } from '../text/export.ts';
import type { Exports } from '../users/export.ts';
import type { Command, CommandContext } from './command.ts';

export function createExport({
  exports,
  audit,
  sender,
}: {
  readonly exports: Exports;
  readonly audit: Pick<Audit, 'record'>;
  readonly sender: (platform: PlatformName) => Pick<PlatformSender, 'traits'>;
}): Command {
  async function send(context: CommandContext): Promise<boolean> {
    const day = new Date().toISOString().slice(0, 10);
    const { maxFileBytes } = sender(context.chat.platform).traits;
    // One after another: no more than one part is in memory.
    const parts = exports.parts(context.userId, { maxFileBytes });
    for await (const { number, isLast, json, markdown } of parts) {
      const name = `latchkey-${day}${number === 1 && isLast ? '' : `-part-${number}`}`;
      const files = [
        { name: `${name}.json`, mediaType: 'application/json', bytes: json },
        { name: `${name}.md`, mediaType: 'text/markdown', bytes: markdown },
      ];
      for (const [index, file] of files.entries()) {
        const text = exportText.file({ number, isLast, readable: index === 1 });
        if ((await context.post({ markdown: text, file })) === undefined) return false;
      }
    }
    return true;
  }

  return {
    name: 'export',
    description: 'Everything you know of me, as a file',
    where: 'direct',
    async run(context) {
      const claim = await exports.claim(context.userId);
      if (claim.result === 'too-often') {
        context.answer(exportText.tooOften(claim.nextAt));
        return;
      }
      context.answer(exportText.collecting());
      context.later(async () => {
        let sent = false;
        try {
          sent = await send(context);
        } finally {
          if (!sent) await exports.giveBack(context.userId, claim.at);
        }
        const { userId, chat } = context;
        if (sent) {
          const { platform } = chat;
          await audit.record({ action: 'user.exported', actor: 'user', userId, platform });
        }
        context.answer(sent ? exportText.done() : exportText.notSent());
      });
    },
  };
}
