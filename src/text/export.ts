/** Sentences of /export. */

import type { Notice } from '../chat/platform.ts';
import { time } from './markdown.ts';

export const exportText = {
  collecting: (): Notice => ({ markdown: 'I am collecting what I know of you.' }),
  /** Below it comes the file. */
  file: (facts: { number: number; isLast: boolean; readable: boolean }): string => {
    const part = facts.number === 1 && facts.isLast ? '' : `, part ${facts.number}`;
    return facts.readable ? `The same to be read${part}:` : `Everything, as JSON${part}:`;
  },
  done: (): Notice => ({
    markdown:
      'That is all. Your API keys are not in it. These files are in clear: keep them safe, and delete these messages when you have saved them.',
  }),
  notSent: (): Notice => ({
    markdown: 'A file could not be sent. This try does not count: send /export again later.',
  }),
  tooOften: (nextAt: Date): Notice => ({
    markdown: `You can take /export twice a day. The next is possible ${time(nextAt)}.`,
  }),
};
