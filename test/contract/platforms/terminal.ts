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
  addressed: { words: 'direct', command: 'direct' },
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
    doubling: NO_NETWORK,
    deletion: 'what has scrolled away is out of reach',
    takingBack: 'what has scrolled away is out of reach',
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
    doubling: NO_NETWORK,
    deletion: 'what was printed stays',
    takingBack: 'what was printed stays',
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
  const said: string[] = [];
  const visible = () => output.text();

  async function say(text: string): Promise<void> {
    said.push(text);
    input.write(isWindow ? `\u001b[200~${text}\u001b[201~\r` : `${text}\n`);
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
    // What comes out of a pipe stands where it came from.
    saidStands: (text) => (isWindow ? visible().includes(text) : said.includes(text)),
    goOffline: () => void output.destroy(),
    comeBack: () => {
      throw new Error(NO_NETWORK);
    },
    loseNextConfirmation: () => {
      throw new Error(NO_NETWORK);
    },
  };
}
