/** The terminal for the contract: somebody at a window, and a pipe. */

import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import { createTerminal } from '../../../src/platforms/terminal/terminal.ts';
import { terminalText } from '../../../src/text/terminal.ts';
import { CHAT, Keyboard } from '../../platforms/terminal/harness.ts';
import { Window } from '../../platforms/terminal/window.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Platform, Seat } from './harness.ts';

const common = {
  addressed: 'direct',
  mayBeRepeat: terminalText.mayBeRepeat(),
  secretsOf: () => [],
} as const;
const NO_EDITS = 'what was entered in a terminal stays';
const NO_NETWORK = 'what is written to a terminal is there';

export const terminalWindow: Platform = {
  ...common,
  name: 'the terminal',
  lacks: {
    edits: NO_EDITS,
    network: NO_NETWORK,
    deletion: 'what has scrolled away is out of reach',
  },
  sit: async () => seatAt(new Window(200, 60), new Keyboard()),
};

export const terminalPipe: Platform = {
  ...common,
  name: 'the terminal without a window',
  lacks: {
    lines: 'a line is a message',
    edits: NO_EDITS,
    stopControl: 'there are no keys',
    unsaying: 'what was printed stays',
    network: NO_NETWORK,
    deletion: 'what was printed stays',
  },
  sit: async () => seatAt(new Pipe(), new PassThrough()),
};

class Pipe extends PassThrough {
  #text = '';

  constructor() {
    super({ encoding: 'utf8' });
    this.on('data', (chunk: string) => {
      this.#text += chunk;
    });
  }

  text(): string {
    return this.#text;
  }
}

function seatAt(output: Window | Pipe, input: Keyboard | PassThrough): Seat {
  const options = { timeZone: 'UTC', onExit: () => {} };
  const { receiver, sender } = createTerminal({ ...options, input, output });
  onTestFinished(() => receiver.stop());
  const isWindow = output instanceof Window;
  const visible = () => (isWindow ? output.text() : output.text());

  async function say(text: string): Promise<void> {
    if (!isWindow) {
      input.write(`${text}\n`);
      return;
    }
    input.write(`\u001b[200~${text}\u001b[201~`);
    // Enter counts when what was pasted stands at the prompt.
    const shown = text.trim().split('\n').at(-1) ?? '';
    await waitFor(() => output.text().includes(shown.slice(0, 40)), { what: 'the pasted text' });
    input.write('\r');
  }

  return {
    receiver,
    sender,
    chat: CHAT,
    async anotherSender() {
      await receiver.stop();
      return createTerminal({ ...options, input: new PassThrough(), output }).sender;
    },
    say,
    edit: () => {
      throw new Error(NO_EDITS);
    },
    async press(label) {
      const number = await waitFor(
        () =>
          visible()
            .split(/(?=\[\d+\] )/)
            .findLast((part) => part.includes(`] ${label}`)),
        { what: `a button ${label}` },
      );
      await say(/\d+/.exec(number)?.[0] ?? '');
    },
    stop: () => void input.write('\u0003'),
    visible: () => visible().split('\n'),
    saidStands: (text) => visible().includes(text),
    async goOffline() {
      output.destroy();
    },
    loseNextConfirmation: () => {
      throw new Error(NO_NETWORK);
    },
  };
}
