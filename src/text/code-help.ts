/** Help with the code in somebody's message: the commands, and what each asks a model. */

interface CodeHelp {
  /** In a platform's menu of a message. */
  readonly label: string;
  readonly question: string;
}

const CODE_HELP = {
  explain: {
    label: 'Explain this code',
    question:
      'Explain this code: what it does, how it works step by step, and anything in it that is easy to miss.',
  },
  review: {
    label: 'Review this code',
    question:
      'Review this code: bugs first, then security, edge cases and readability. Say where each is, how bad it is, and how to mend it. Say so where you find nothing.',
  },
  fix: {
    label: 'Fix this code',
    question:
      'Fix this code: give the whole corrected code in one block, then say briefly what was wrong and what you changed.',
  },
} as const satisfies Record<string, CodeHelp>;

export type CodeHelpName = keyof typeof CODE_HELP;

export function isCodeHelp(name: string): name is CodeHelpName {
  return Object.hasOwn(CODE_HELP, name);
}

export function codeHelpQuestion(name: CodeHelpName): string {
  return CODE_HELP[name].question;
}

/** For platforms with a menu on messages: the command and its label there. */
export const codeHelpMenu: readonly { readonly name: CodeHelpName; readonly label: string }[] = (
  Object.keys(CODE_HELP) as CodeHelpName[]
).map((name) => ({ name, label: CODE_HELP[name].label }));
