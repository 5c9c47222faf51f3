/** The audit trail in the words that its user reads. */

import type { Notice } from '../chat/platform.ts';
import { escapeMarkdown, time } from './markdown.ts';

const ACTIONS: Readonly<Record<string, string>> = {
  'key.added': 'added',
  'key.replaced': 'replaced',
  'key.rejected': 'not taken',
  'key.checked': 'checked again',
  'key.used': 'used (the first time that day)',
  'key.refused': 'refused by its provider',
  'key.deleted': 'deleted',
  'key.expired': 'deleted, because its time was over',
  'key.end-set': 'given a day on which it is deleted',
  'key.end-lifted': 'kept until you delete it',
  'key.default': 'made the one that answers',
  'key.joined': 'brought along when your accounts were linked',
  'key.put-aside': 'put aside when your accounts were linked, because another one serves',
  'key.returned': 'back in use when your accounts were separated',
  'key.exposed': 'found in a message where none belongs',
  'paste.kept': 'pasted, kept for ten minutes',
  'paste.taken': 'pasted, then taken',
  'paste.dropped': 'pasted, then forgotten',
  'paste.expired': 'pasted, forgotten after ten minutes',
  'data-key.renewed': 'begun afresh, because the operator had lost what opens the old one',
  'data-key.returned': 'can be opened again, because the operator has found what opens them',
  'user.exported': 'everything exported with /export',
  'user.suspended': 'suspended by the operator',
  'user.lifted': 'answered by the house again, by the operator',
  'user.granted': 'given a plan by the operator',
};

/** By the operator, about the person. */
const DECIDED = new Set(['user.suspended', 'user.lifted', 'user.granted']);

export const keyHistoryText = {
  list: (
    rows: readonly {
      readonly action: string;
      readonly at: Date;
      readonly provider: string | null;
    }[],
    hasMore: boolean,
  ): Notice => ({
    markdown:
      rows.length === 0
        ? 'Nothing has been done with a key of yours here.'
        : [
            '**What was done with your keys**',
            ...rows.map(
              ({ action, at, provider }) =>
                `- ${time(at)}: ${subjectOf(action, provider)}: ${escapeMarkdown(ACTIONS[action] ?? action)}`,
            ),
            '',
            ...(hasMore ? ['These are the newest.'] : []),
            'No entry can be changed or taken out without that being seen.',
          ].join('\n'),
    buttons: [[{ label: 'My keys', action: 'run:keys' }]],
  }),
};

function subjectOf(action: string, provider: string | null): string {
  if (provider !== null) return `**${escapeMarkdown(provider)}** key`;
  return DECIDED.has(action) ? 'your account' : 'your keys';
}
