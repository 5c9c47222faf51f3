/** Sentences that only Discord's users see. Markdown, unless said otherwise. */

/** Stands until the first words of an answer are there. Plain text. */
export const THINKING = 'Thinking…';

/** Comes before a part of an answer of which nobody knows whether it arrived already. */
export const MAY_BE_A_REPEAT =
  '_The connection broke while this was being sent, so it may stand here twice._';

/** Stands where an answer has no text at all. */
export const EMPTY_ANSWER = '_There is nothing to show._';

/** Below what came so far, once Discord is about to close the way to the message. */
export const CONTINUE_BELOW =
  'Discord lets me write here for 15 minutes only, and this takes longer. Press **Continue** to get the rest.';

/** Above files with code from the answer. */
export const codeFiles = (count: number): string =>
  count === 1 ? 'The whole code from the answer:' : 'The whole code from the answer, file by file:';

/** Above the file with an answer that is longer than Discord lets messages be in this place. */
export const ANSWER_AS_FILE =
  'Discord takes no more messages from me here. The whole answer is in this file:';

/** Labels of buttons. Plain text. */
export const buttonLabels = {
  stop: 'Stop',
  newConversation: 'New conversation',
  continue: 'Continue',
} as const;

/** Told to the sender of a message that could not be taken in, however often it was tried. */
export const COULD_NOT_TAKE_IN =
  'Something went wrong with this message on my side, and I could not take it in. Please send it again, perhaps in other words.';

/** Answers a command that an older version of the bot had. */
export const COMMAND_IS_GONE =
  'I no longer have this command. Reload Discord (Ctrl+R) to see those that I have.';

/** Answers the press of a button that leads from a server to the direct chat. */
export const inDirectChat =
  'I wrote to you in our private chat. If nothing of mine is there, allow direct messages from this server’s members, and press again.';
/** On the button that leads there. Plain text. */
export const OPEN_DIRECT_CHAT = 'Open the private chat';

/** … where Discord does not let the bot open one. */
export const NO_DIRECT_CHAT =
  'I can’t write to you privately. Allow direct messages from this server’s members, and press again; or open my profile and write to me.';

/** The form that takes an API key. Plain text; Discord cuts titles and labels at 45 characters, descriptions at 100. */
export const keyForm = {
  title: 'Your own API key',
  provider: {
    label: 'Provider',
    description: 'Leave it empty, and I recognise the provider by the key.',
    placeholder: 'Recognise it',
  },
  key: {
    label: 'API key',
    description: 'No message will hold it. I check it, and keep it encrypted.',
  },
  /** Told where the form came back without a key. */
  empty: 'There was no key in the form. Send /setkey to open it again.',
} as const;

/** The form that takes the code of a voucher. Plain text. */
export const voucherForm = {
  title: 'Redeem a code',
  code: { label: 'Code', description: 'Three groups of six letters and digits.' },
  /** Told where the form came back without one. */
  empty: 'There was no code in the form. Send /redeem to open it again.',
} as const;

/** What the options of commands say, in at most 100 characters. */
export const commandTexts = {
  ask: {
    prompt: 'What you want to know',
    file: 'A text file or an image to go with it',
    private: 'Show the answer to you alone',
  },
  model: 'The model; type to search',
  redeem: 'The code; without it, a form asks for it',
  pool: 'Such as: new algebra key=openai; left out, I show your pools',
  appeal: 'What you have to say about your suspension',
  delkey: { provider: 'Whose key; left out, I show those that there are' },
  link: { code: 'The code from the other platform; left out, I make one for there' },
  limit: {
    amount: 'Dollars, such as 2.50, or off; left out, I show what is set',
    period: 'For a day, or for a month; a day where it is left out',
    periods: [
      { name: 'a day', value: 'day' },
      { name: 'a month', value: 'month' },
    ],
  },
  chat: {
    cap: 'What to cap; left out, I show all settings, with buttons',
    caps: [
      { name: 'messages a day', value: 'turns' },
      { name: 'dollars a day', value: 'dollars' },
    ],
    amount: 'How many, or off',
  },
  admin: {
    what: 'Left out, I show how the house stands',
    verbs: [
      { name: 'Totals: by day, payer and model', value: 'totals' },
      { name: 'Top users: the most expensive', value: 'top' },
      { name: 'Flagged', value: 'flagged' },
      { name: 'A user', value: 'user' },
      { name: 'Suspend a user', value: 'suspend' },
      { name: 'Lift a suspension', value: 'lift' },
      { name: 'Grant a plan', value: 'grant' },
      { name: 'Pause the house', value: 'pause' },
      { name: 'Resume the house', value: 'resume' },
    ],
    user: 'platform:ID, such as telegram:123456',
    plan: 'To grant; “free” takes it back',
    until: 'The last day of the plan, such as 2099-12-31; left out, for good',
    days: 'To suspend for; left out, until you lift it. With totals or top: 1, 7 or 30',
    reason: 'What a suspended user is told',
  },
} as const;

/** What commands do, in at most 100 characters, where Discord's words for it are others. */
export const commandDescriptions = {
  ask: 'Ask me something',
  chat: 'How I behave in this server, for those who may manage it',
} as const;

/** Why receiving could not begin: for the operator, as plain text, keyed by the error's reason. */
export const START_ERRORS = {
  'bad-token':
    'Discord does not know this bot token. Copy it again from the Bot page of discord.com/developers into DISCORD_BOT_TOKEN.',
  'disallowed-intent':
    'Discord refuses what DISCORD_MESSAGE_CONTENT asks for: switch on the Message Content Intent on the Bot page of discord.com/developers, or set DISCORD_MESSAGE_CONTENT to off.',
  'sessions-used-up':
    'This Discord bot was started too often today, and Discord lets it connect again tomorrow only. Find out what restarts it.',
  unreachable:
    'Discord can’t be reached, or something else answers at DISCORD_API_ROOT. Check the network and that address.',
} as const;
