/** The gateway as tests see and disturb it. */

export interface SentEvent {
  /** As `MESSAGE_CREATE`. */
  readonly type: string;
  readonly data: unknown;
  /** Number of it in its session. */
  readonly sequence: number;
}

export interface FakeGateway {
  /** Connections that got READY or RESUMED and are open. */
  readonly connections: number;
  /** How many IDENTIFYs there were; refused ones too. */
  readonly identifies: number;
  /** Of them, those that came too soon after another one, and were refused for that. */
  readonly hastyIdentifies: number;
  /** The shards whose connection is open, in order. */
  readonly shards: readonly number[];
  /** How many sessions were resumed. */
  readonly resumes: number;
  readonly heartbeats: number;
  /** The intents of the newest IDENTIFY. */
  readonly intents: number;
  /** Every event that was sent, or kept for a session to be resumed. */
  readonly events: readonly SentEvent[];
  /** Closes every connection with a code, as 4000 (resumable) or 4004, 4014 (not). */
  closeWith(code: number, reason?: string): void;
  /** Breaks every connection, or that of one shard, without a word; sessions can be resumed. */
  drop(shard?: number): void;
  /** Asks every connection to reconnect (op 7). */
  reconnect(): void;
  /** Op 9. Default: not resumable. */
  invalidateSessions(resumable?: boolean): void;
  /** Ends the session of one shard: it has to begin a new one. */
  endSession(shard: number): void;
  /** Breaks every connection, and refuses new ones until {@link FakeGateway.open}. */
  shut(): void;
  /** Only refuses new connections until {@link FakeGateway.open}. */
  refuse(): void;
  open(): void;
  /** Heartbeats stay without an answer until called with false: a zombie connection. */
  ignoreHeartbeats(ignore: boolean): void;
  /** Sends any event to every session, whatever its intents. */
  dispatch(type: string, data: unknown): void;
  /** The newest event of this type once more, as after a resume that repeats. */
  repeat(type: string): void;
  /** From now on this many connections are advised to who asks. */
  advise(shards: number): void;
  /** Until a connection is ready. */
  ready(options?: { readonly timeoutMs?: number }): Promise<void>;
}
