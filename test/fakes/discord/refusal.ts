/** Refusals, in Discord's words: https://discord.com/developers/docs/topics/opcodes-and-status-codes */

/** Nested as the body was: `{content: {_errors: [{code, message}]}}`. */
export interface FormErrors {
  [key: string]: FormErrors | readonly { readonly code: string; readonly message: string }[];
}

export class DiscordRefusal extends Error {
  override readonly name = 'DiscordRefusal';
  readonly status: number;
  readonly code: number;
  readonly errors: FormErrors | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** More of the body, as `retry_after`. */
  readonly more: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: number,
    message: string,
    extra: {
      readonly errors?: FormErrors;
      readonly headers?: Readonly<Record<string, string>>;
      readonly more?: Readonly<Record<string, unknown>>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = extra.errors;
    this.headers = extra.headers ?? {};
    this.more = extra.more ?? {};
  }

  get body(): unknown {
    const errors = this.errors === undefined ? {} : { errors: this.errors };
    return { message: this.message, code: this.code, ...this.more, ...errors };
  }
}

export const unauthorized = () => new DiscordRefusal(401, 0, '401: Unauthorized');
export const notFound = () => new DiscordRefusal(404, 0, '404: Not Found');
export const unknownChannel = () => new DiscordRefusal(404, 10_003, 'Unknown Channel');
export const unknownGuild = () => new DiscordRefusal(404, 10_004, 'Unknown Guild');
export const unknownMember = () => new DiscordRefusal(404, 10_007, 'Unknown Member');
export const unknownMessage = () => new DiscordRefusal(404, 10_008, 'Unknown Message');
export const unknownUser = () => new DiscordRefusal(404, 10_013, 'Unknown User');
export const unknownWebhook = () => new DiscordRefusal(404, 10_015, 'Unknown Webhook');
export const unknownInteraction = () => new DiscordRefusal(404, 10_062, 'Unknown interaction');
export const tooLarge = () => new DiscordRefusal(413, 40_005, 'Request entity too large');
export const alreadyAcknowledged = () =>
  new DiscordRefusal(400, 40_060, 'Interaction has already been acknowledged.');
export const tooManyFollowUps = () =>
  new DiscordRefusal(
    400,
    40_094,
    'This interaction has hit the maximum number of follow up messages.',
  );
export const missingAccess = () => new DiscordRefusal(403, 50_001, 'Missing Access');
export const notInDm = () =>
  new DiscordRefusal(403, 50_003, 'Cannot execute action on a DM channel');
export const notYours = () =>
  new DiscordRefusal(403, 50_005, 'Cannot edit a message authored by another user');
export const emptyMessage = () => new DiscordRefusal(400, 50_006, 'Cannot send an empty message');
export const cannotSendToUser = () =>
  new DiscordRefusal(403, 50_007, 'Cannot send messages to this user');
export const missingPermissions = () => new DiscordRefusal(403, 50_013, 'Missing Permissions');
export const wrongChannelType = () =>
  new DiscordRefusal(400, 50_024, 'Cannot execute action on this channel type');
export const invalidWebhookToken = () => new DiscordRefusal(401, 50_027, 'Invalid Webhook Token');
export const threadArchived = () => new DiscordRefusal(400, 50_083, 'Thread is archived');
export const noHistoryForReply = () =>
  new DiscordRefusal(403, 160_002, 'Cannot reply without permission to read message history');
export const threadExists = () =>
  new DiscordRefusal(400, 160_004, 'A thread has already been created for this message');

/** 50035, with one error at a path as `message_reference` or `data.components.0`. */
export function invalidForm(path: string, code: string, message: string): DiscordRefusal {
  return invalidForms([{ path: path.split('.'), code, message }]);
}

export function invalidForms(
  found: readonly {
    readonly path: readonly string[];
    readonly code: string;
    readonly message: string;
  }[],
): DiscordRefusal {
  const errors: FormErrors = {};
  for (const { path, code, message } of found) {
    let node = errors;
    for (const key of path.filter((part) => part !== '')) {
      const next = node[key];
      const child: FormErrors = isLeaf(next) ? {} : { ...next };
      node[key] = child;
      node = child;
    }
    const before = node._errors;
    node._errors = [...(isLeaf(before) ? (before ?? []) : []), { code, message }];
  }
  return new DiscordRefusal(400, 50_035, 'Invalid Form Body', { errors });
}

type Leaf = readonly { readonly code: string; readonly message: string }[];

function isLeaf(node: FormErrors | Leaf | undefined): node is Leaf | undefined {
  return node === undefined || Array.isArray(node);
}
