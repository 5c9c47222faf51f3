/** The readable file of /export. */

import type { TurnInput } from '../chat/turn-input.ts';
import type { FundingKind } from '../funding/ledger.ts';
import { formatUsd } from '../funding/money.ts';
import { counted } from './counted.ts';
import { PAYER_NAMES } from './payers.ts';

export interface ExportedPlace {
  readonly platform: string;
  readonly kind: string;
  readonly id: string;
  readonly thread: string;
}

export interface ExportedTurn {
  readonly chat: ExportedPlace | null;
  readonly askedAt: Date;
  readonly state: string;
  readonly outcome: string | null;
  readonly funding: FundingKind | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly costMicros: number | null;
  readonly words: 'here' | 'cleared' | 'unreadable';
  readonly question: TurnInput | null;
  readonly answer: string | null;
}

interface Account {
  readonly notesHeld: readonly { readonly since: Date; readonly markdown: string }[];
  readonly since: Date | null;
  readonly accounts: readonly { readonly platform: string; readonly id: string }[];
  readonly settings: {
    readonly provider: string | null;
    readonly model: string | null;
    readonly groupContextAgreedAt: Date | null;
  };
  readonly keys: readonly {
    readonly provider: string;
    readonly lastFour: string;
    readonly state: string;
    readonly createdAt: Date;
    readonly lastUsedAt: Date | null;
  }[];
  readonly credits: readonly {
    readonly grantedMicros: number;
    readonly spentMicros: number;
    readonly redeemedAt: Date;
    readonly expiresAt: Date;
  }[];
  readonly usage: readonly {
    readonly month: string;
    readonly funding: FundingKind;
    readonly provider: string | null;
    readonly model: string | null;
    readonly turns: number;
    readonly costMicros: number;
  }[];
}

export const exportMarkdown = {
  file: (
    facts: { exportedAt: string; number: number; isLast: boolean; account: Account },
    turns: readonly string[],
  ): string =>
    [
      `# What Latchkey knows of you${facts.number === 1 && facts.isLast ? '' : `, part ${facts.number}`}`,
      `As of ${facts.exportedAt}. The JSON file beside this one holds every detail. API keys are in neither.`,
      ...(facts.number === 1 ? account(facts.account) : []),
      '## Questions and answers',
      turns.length === 0 ? 'None.' : turns.join('\n\n'),
      ...(facts.isLast ? [] : ['(The next part goes on.)']),
      '',
    ].join('\n\n'),

  turn: (turn: ExportedTurn): string =>
    [
      `### ${turn.askedAt.toISOString()}, ${place(turn.chat)}`,
      turn.words === 'here'
        ? `**You**\n\n${question(turn.question)}`
        : turn.words === 'cleared'
          ? 'The words are deleted: they were older than this installation keeps them.'
          : 'The words are kept sealed and can’t be opened at present.',
      ...(turn.answer === null ? [] : [`**Latchkey**\n\n${turn.answer}`]),
      [
        turn.outcome ?? turn.state,
        ...(turn.model === null ? [] : [`${turn.provider}/${turn.model}`]),
        ...(turn.funding === null ? [] : [`paid by ${PAYER_NAMES[turn.funding]}`]),
        ...(turn.costMicros === null ? [] : [formatUsd(turn.costMicros)]),
      ].join(', '),
    ].join('\n\n'),
};

function account(facts: Account): readonly string[] {
  return [
    '## You',
    [
      `- since ${facts.since?.toISOString() ?? 'unknown'}`,
      ...facts.accounts.map(({ platform, id }) => `- ${platform} account ${id}`),
      `- model: ${facts.settings.model === null ? 'not chosen' : `${facts.settings.provider}/${facts.settings.model}`}`,
      `- others’ words in groups as context on your key: ${facts.settings.groupContextAgreedAt === null ? 'not agreed' : `agreed ${facts.settings.groupContextAgreedAt.toISOString()}`}`,
    ].join('\n'),
    '## Your API keys',
    facts.keys.length === 0
      ? 'None.'
      : facts.keys
          .map(
            (key) =>
              `- ${key.provider}, ending in ${key.lastFour}: ${key.state}, since ${key.createdAt.toISOString()}, last used ${key.lastUsedAt?.toISOString() ?? 'never'}`,
          )
          .join('\n'),
    ...(facts.credits.length === 0
      ? []
      : [
          '## Your credits',
          facts.credits
            .map(
              (one) =>
                `- ${formatUsd(one.grantedMicros)} since ${one.redeemedAt.toISOString()}, until ${one.expiresAt.toISOString()}: ${formatUsd(one.spentMicros)} spent`,
            )
            .join('\n'),
        ]),
    '## What it cost',
    facts.usage.length === 0
      ? 'Nothing yet.'
      : facts.usage
          .map(
            (row) =>
              `- ${row.month}, ${PAYER_NAMES[row.funding]}, ${row.provider}/${row.model}: ${counted(row.turns, 'answer')}, ${formatUsd(row.costMicros)}`,
          )
          .join('\n'),
    ...(facts.notesHeld.length === 0
      ? []
      : [
          '## Notes for you alone, kept for a day',
          ...facts.notesHeld.map((note) => `${note.since.toISOString()}\n\n${note.markdown}`),
        ]),
  ];
}

function place(chat: ExportedPlace | null): string {
  if (chat === null) return 'in a chat that is no longer kept';
  return `${chat.kind === 'direct' ? 'private chat' : 'group'} on ${chat.platform}`;
}

function question(input: TurnInput | null): string {
  if (input === null) return '';
  return input.parts
    .map((part) =>
      [
        ...(part.quoted === undefined ? [] : [quote(part.quoted.text)]),
        part.text,
        ...part.files.map((file) => `(file: ${file.name})`),
      ]
        .filter((text) => text !== '')
        .join('\n\n'),
    )
    .join('\n\n');
}

const quote = (text: string) =>
  text
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
