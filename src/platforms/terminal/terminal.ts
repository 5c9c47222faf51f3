/** The terminal as a platform: one user, one direct chat. */

import type { ChatRights } from '../../chat/chat-rights.ts';
import type { ChatAddress, IncomingMessage, PlatformEvent, Sender } from '../../chat/message.ts';
import type { PlatformReceiver, PlatformSender } from '../../chat/platform.ts';
import { terminalText } from '../../text/terminal.ts';
import { createChoices } from './choices.ts';
import { createDelivery } from './delivery.ts';
import { type Editor, openEditor, openLines, type TerminalInput } from './editor.ts';
import { layoutInput, PROMPT } from './input-view.ts';
import { BRACKETED_PASTE_OFF, BRACKETED_PASTE_ON } from './keys.ts';
import { quiet } from './markdown.ts';
import type { TerminalReply } from './reply.ts';
import { type Bottom, createScreen, type Size, type TerminalOutput } from './screen.ts';
import { maskKeys } from './secrets.ts';
import { createSender, type Echo } from './sender.ts';
import { BLANK, type Line, type Span, span } from './style.ts';

export interface TerminalOptions {
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
  /** The user wants to leave (Ctrl-D, `/exit`, Ctrl-C twice), or the terminal is gone. Called once. */
  onExit(): void;
  /** Names of the commands that Tab completes, without `/`. */
  readonly commands?: readonly string[];
  /** In milliseconds since 1970. */
  now?(): number;
  /** IANA name of the zone in which times are shown; absent: that of the machine. */
  readonly timeZone?: string;
  /** Where files are put; absent: the working directory. */
  readonly directory?: string;
}

export interface Terminal {
  readonly receiver: PlatformReceiver;
  readonly sender: PlatformSender;
  readonly rights: ChatRights;
  /** Who sits at it. */
  readonly user: Sender;
}

const CHAT: ChatAddress = { platform: 'terminal', chatId: 'terminal', kind: 'direct' };
const USER: Sender = { platformUserId: 'local', displayName: 'You' };

const COMMAND = /^\/([a-z]\w*)(?:\s+([\s\S]*))?$/i;
const LEAVING = ['exit', 'quit'];
/** In milliseconds: within this time a second Ctrl-C leaves. */
const LEAVE_WINDOW = 2000;
/** Ids are milliseconds since 1970 with room for this many a millisecond: none comes twice after a restart. */
const IDS_A_MILLISECOND = 1000;
const ECHOED_LINES = 8;
const KEPT_ECHOES = 50;

export function createTerminal(options: TerminalOptions): Terminal {
  const { input, output } = options;
  const now = () => options.now?.() ?? Date.now();
  const screen = createScreen(output, output.isTTY === true && output.hasColors?.() === true, draw);
  const markdown = {
    color: screen.color,
    ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }),
  };
  const choices = createChoices();
  const echoes = new Map<string, Echo>();
  const delivery = createDelivery(() => say(terminalText.notTaken()));
  let editor: Editor | undefined;
  let replies: readonly TerminalReply[] = [];
  let stopAsked: TerminalReply | undefined;
  let hint = '';
  let leaveArmedAt: number | undefined;
  let lastId = 0;
  let left = false;

  function nextId(): number {
    lastId = Math.max(lastId + 1, now() * IDS_A_MILLISECOND);
    return lastId;
  }

  function say(text: string): void {
    screen.print({}, [BLANK, quiet(text, markdown)]);
  }

  function draw(size: Size): Bottom {
    const typed = layoutInput(editor?.line() ?? { text: '', cursor: 0 }, size);
    const above: (readonly Span[])[] = [...(replies.at(-1)?.live(size) ?? []), []];
    const below: Span[][] = hint === '' ? [] : [[span(hint, 'dim')]];
    // The cursor's row must stay in the window, however small that is.
    const kept = above.slice(-Math.max(size.rows - typed.rows.length - below.length - 1, 0));
    return {
      rows: [...kept, ...typed.rows, ...below],
      cursor: { row: kept.length + typed.cursor.row, column: typed.cursor.column },
    };
  }

  function leave(): void {
    if (left) return;
    left = true;
    options.onExit();
  }

  function interrupt(): void {
    const running = replies.at(-1);
    if (running && running !== stopAsked) {
      stopAsked = running;
      hint = terminalText.stopping();
      delivery.atOnce({ type: 'stop', chat: CHAT, turnId: running.turnId });
    } else if (leaveArmedAt !== undefined && now() - leaveArmedAt <= LEAVE_WINDOW) {
      leave();
      return;
    } else {
      leaveArmedAt = now();
      editor?.clear();
      hint = terminalText.leaveHint();
    }
    screen.refresh();
  }

  function entered(text: string): void {
    // The first line of pasted code keeps its indentation.
    const trimmed = text.replace(/^(?:[ \t]*\n)+/, '').trimEnd();
    if (trimmed === '') {
      screen.refresh();
      return;
    }
    const choice = choices.take(trimmed.trim());
    const messageId = nextId();
    const owner = {};
    if (screen.interactive) {
      screen.print(owner, echoLines(choice ? `${trimmed}  ${choice.label}` : maskKeys(trimmed)));
    }
    if (choice) {
      const { action } = choice;
      const press = { chat: CHAT, sender: USER, action, pressId: `${messageId}` };
      delivery.inOrder({ type: 'button', press: { ...press, messageId: choice.messageId } });
      return;
    }
    const message = parse(trimmed, messageId);
    if (message.command && LEAVING.includes(message.command.name)) {
      leave();
      return;
    }
    if (!message.command) choices.withdraw();
    echoes.set(message.messageId, { owner, forget: () => editor?.forget(trimmed) });
    const oldest = echoes.keys().next();
    if (echoes.size > KEPT_ECHOES && oldest.done !== true) echoes.delete(oldest.value);
    delivery.inOrder({ type: 'message', message });
  }

  function parse(text: string, id: number): IncomingMessage {
    const match = COMMAND.exec(text);
    const common = {
      chat: CHAT,
      sender: USER,
      messageId: `${id}`,
      order: id,
      sentAt: new Date(now()),
      addressed: 'direct' as const,
      files: [],
    };
    if (!match) return { ...common, text };
    const command = { name: (match[1] ?? '').toLowerCase(), argument: (match[2] ?? '').trim() };
    return { ...common, text: command.argument, command };
  }

  const handlers = {
    editing(on: boolean) {
      if (output.writable) output.write(on ? BRACKETED_PASTE_ON : BRACKETED_PASTE_OFF);
    },
    touched() {
      hint = '';
    },
    changed: () => screen.refresh(),
    choices(commands: readonly string[]) {
      hint = commands.join('  ');
      screen.refresh();
    },
    entered,
    interrupt,
    ended: leave,
  };

  const receiver: PlatformReceiver = {
    name: 'terminal',
    async start(handle: (event: PlatformEvent) => Promise<void>) {
      delivery.begin(handle);
      output.on('error', leave);
      if (input.isTTY === true && screen.interactive) {
        output.on('resize', screen.refresh);
        editor = openEditor(input, [...(options.commands ?? []), ...LEAVING].toSorted(), handlers);
        say(terminalText.welcome());
      } else {
        editor = openLines(input, handlers);
      }
    },
    state: () => ({ ok: true }),
    async stop() {
      editor?.close();
      editor = undefined;
      screen.close();
      output.off('resize', screen.refresh);
      await delivery.idle();
    },
  };

  const sender = createSender({
    chat: CHAT,
    screen,
    choices,
    markdown,
    now,
    directory: options.directory ?? process.cwd(),
    nextId: () => `${nextId()}`,
    echo: (messageId) => echoes.get(messageId),
    replyOpened(reply) {
      // Another attempt at the same turn takes the place of the one before.
      for (const other of replies) if (other.turnId === reply.turnId) void other.abandon();
      replies = [...replies, reply];
      screen.refresh();
    },
    isShown: (reply) => replies.at(-1) === reply,
    replyClosed(reply) {
      replies = replies.filter((other) => other !== reply);
      if (hint === terminalText.stopping()) hint = '';
    },
  });
  // Whoever sits at it runs it.
  const rights: ChatRights = {
    opensThreads: false,
    mayManage: async () => true,
    isThere: async () => true,
  };
  return { receiver, sender, rights, user: USER };
}

/** What the user wrote, as it stays above. Of a long text the beginning. */
function echoLines(text: string): Line[] {
  const lines = text.split('\n');
  const shown = lines.length > ECHOED_LINES ? lines.slice(0, ECHOED_LINES - 1) : lines;
  const rest = lines.length - shown.length;
  return [
    BLANK,
    ...shown.map((content, index) => ({
      spans: [
        span(index === 0 ? PROMPT : ' '.repeat(PROMPT.length), 'user', 'bold'),
        span(content, 'bold'),
      ],
      hang: PROMPT.length,
    })),
    ...(rest > 0 ? [{ spans: [span(`  ${terminalText.moreLines(rest)}`, 'dim')] }] : []),
  ];
}
