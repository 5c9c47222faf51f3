/** What a platform says when it can do nothing. */

import { describe, expect, test } from 'vitest';
import { PlatformError } from '../../../src/chat/platform.ts';
import type { Stage } from './stage.ts';

export function failureFacts({ platform, listen, asked }: Stage): void {
  describe('what fails', () => {
    const file = {
      id: 'no-such-file',
      kind: 'text',
      name: 'a.txt',
      mediaType: 'text/plain',
    } as const;

    async function failure(doing: Promise<unknown>, secrets: readonly string[]) {
      const error = await doing.then(
        () => 'it worked',
        (reason: unknown) => reason,
      );
      if (!(error instanceof PlatformError)) throw new Error(`no PlatformError: ${error}`);
      const told = `${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause ?? ''}`;
      for (const secret of secrets) expect(told).not.toContain(secret);
      return error;
    }

    test('to be fetched is an error with a code', async () => {
      const { seat } = await listen();
      const error = await failure(seat.sender.download(file, 1000), platform.secretsOf(seat));
      expect(error.code).not.toBe('');
    });

    test('when nothing can be sent, is an error that may be tried again', async () => {
      const { seat, open, turn } = await asked();
      const secrets = platform.secretsOf(seat);
      const reply = open();
      seat.goOffline();
      reply.show({ markdown: 'x' });
      const errors = await Promise.all([
        failure(seat.sender.notify({ chat: seat.chat }, { markdown: 'x' }), secrets),
        failure(reply.finish({ markdown: 'x' }), secrets),
        failure(seat.sender.download(file, 1000), secrets),
      ]);
      expect(errors[0].retryable).toBe(true);
      expect(errors[1].retryable).toBe(true);
      expect((await turn.deliveries.begin(0)).state).not.toBe('sent');
      expect(await seat.sender.deleteMessage(seat.chat, '1')).toBe('refused');
      await reply.abandon();
    });
  });
}
