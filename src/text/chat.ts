/** What /chat says, and what people read where a chat's managers have restricted it. */

import type { Button, Notice } from '../chat/platform.ts';
import { formatUsd, MICROS_PER_USD } from '../funding/money.ts';

export interface ChatFacts {
  /** Undefined: everywhere. */
  readonly places: { readonly count: number; readonly here: boolean } | undefined;
  /** Undefined: the platform knows no threads for answers. */
  readonly answersIn: 'replies' | 'threads' | undefined;
  readonly openTo: 'everybody' | 'managers';
  readonly turnsPerDay: number | null;
  readonly microsPerDay: number | null;
}

const TURNS = [10, 50, 200];
const MICROS = [100_000, 500_000, 2_000_000];

export const chatText = {
  page: (facts: ChatFacts): Notice => ({
    markdown: [
      '**Settings of this chat**, for all of it',
      '',
      `- **Where I answer**: ${whereText(facts.places)}`,
      ...(facts.answersIn === undefined
        ? []
        : [
            `- **Answers**: ${facts.answersIn === 'threads' ? 'in a thread of their own' : 'as replies'}`,
          ]),
      `- **Who may use me**: ${facts.openTo === 'everybody' ? 'everybody' : 'only those who may manage this chat'}`,
      `- **The house answers here a day**: ${facts.turnsPerDay === null ? 'no cap of this chat’s own' : `at most ${facts.turnsPerDay} messages`}`,
      `- **It spends here a day**: ${facts.microsPerDay === null ? 'no cap of this chat’s own' : `at most ${formatUsd(facts.microsPerDay)}`}`,
      '',
      'Own keys are not capped. For other numbers send `/chat turns 30` or `/chat dollars 1.50`; `off` takes the cap away. A cap counts from when it is set; days are UTC’s.',
    ].join('\n'),
    buttons: [
      whereButtons(facts.places),
      ...(facts.answersIn === undefined
        ? []
        : [
            [
              choice('Replies', 'in-replies', facts.answersIn === 'replies'),
              choice('Threads', 'in-threads', facts.answersIn === 'threads'),
            ],
          ]),
      [
        choice('Everybody', 'who-everybody', facts.openTo === 'everybody'),
        choice('Managers only', 'who-managers', facts.openTo === 'managers'),
      ],
      [
        ...TURNS.map((n) => choice(`${n} a day`, `turns-${n}`, facts.turnsPerDay === n)),
        choice('No cap', 'turns-off', facts.turnsPerDay === null),
      ],
      [
        ...MICROS.map((n) => choice(formatUsd(n), `micros-${n}`, facts.microsPerDay === n)),
        choice('No cap', 'micros-off', facts.microsPerDay === null),
      ],
    ],
  }),

  onlyInGroups: (): Notice => ({
    markdown:
      '/chat sets how I behave in a group: send it there, if you may manage the group. Your own settings are in /settings.',
  }),
  notManager: (): Notice => ({
    markdown: 'Only those who may manage this chat can see and change how I behave in it.',
  }),
  couldNotAsk: (): Notice => ({
    markdown: 'I could not find out who may manage this chat. Please try again in a moment.',
  }),
  unknownSetting: (): Notice => ({
    markdown:
      'I take `/chat turns 30` (messages a day, up to 100,000), `/chat dollars 1.50` (up to 10,000), and `off` instead of the number.',
  }),

  /** To somebody who asked where, or who, the managers have ruled out. */
  notHere: (): Notice => ({
    markdown: 'I don’t answer in this place: those who manage this chat have set it so.',
  }),
  notForAll: (): Notice => ({
    markdown:
      'Here I answer only those who manage this chat: they have set it so. In our private chat you can ask me.',
  }),
};

function whereText(places: ChatFacts['places']): string {
  if (places === undefined) return 'everywhere';
  const count = places.count === 1 ? 'one place' : `${places.count} places`;
  return `only in ${count}${places.here ? ', this among them' : ', this is not among them'}`;
}

function whereButtons(places: ChatFacts['places']): readonly Button[] {
  const everywhere = choice('Everywhere', 'where-all', places === undefined);
  if (places === undefined) return [everywhere, choice('Here only', 'where-only', false)];
  const here = places.here
    ? places.count > 1
      ? [choice('Not here any more', 'where-less', false)]
      : []
    : [choice('Here too', 'where-more', false)];
  return [everywhere, ...here];
}

function choice(label: string, action: string, chosen: boolean): Button {
  return { label: chosen ? `✓ ${label}` : label, action: `chat:${action}` };
}

/** @returns undefined for what is no amount that can be set */
export function readCap(
  name: string,
  value: string,
): { readonly turnsPerDay: number | null } | { readonly microsPerDay: number | null } | undefined {
  const off = value === 'off';
  if (name === 'turns' && (off || /^\d{1,6}$/.test(value))) {
    const turns = off ? null : Number(value);
    return turns !== null && turns > 100_000 ? undefined : { turnsPerDay: turns };
  }
  if (name === 'dollars' && (off || /^\$?\d{1,5}(?:\.\d{1,6})?$/.test(value))) {
    const micros = off ? null : Math.round(Number(value.replace('$', '')) * MICROS_PER_USD);
    return micros !== null && micros > 10_000 * MICROS_PER_USD
      ? undefined
      : { microsPerDay: micros };
  }
  return undefined;
}
