import { DatabaseError, toDatabaseError } from './errors.ts';
import type { Rows, Session, Statement } from './session.ts';

/** Inside a transaction, or inside one of its savepoints. */
export interface Scope {
  run(statement: Statement): Promise<Rows>;
  /** A part that can fail alone. */
  savepoint<T>(work: (scope: Scope) => Promise<T>): Promise<T>;
}

/**
 * Runs `work` in a transaction of its own: it takes effect as a whole, or this rejects. Only where
 * the connection is lost while it commits may it have taken effect although it rejects.
 *
 * A statement that failed fails the whole, even if `work` caught its error: PostgreSQL would turn
 * the commit into a rollback without a word.
 */
export async function transact<T>(
  session: Session,
  work: (scope: Scope) => Promise<T>,
): Promise<T> {
  const names = { next: 0 };
  await session.run({ text: 'begin' });
  const result = await runScope({ session, names }, work, 'rollback');
  const { command } = await session.run({ text: 'commit' });
  if (command !== 'COMMIT') {
    throw new DatabaseError({ message: `it ended with ${command}`, code: '25P02' });
  }
  return result;
}

interface Place {
  readonly session: Session;
  /** Numbers for the savepoints of the transaction. */
  readonly names: { next: number };
}

async function runScope<T>(
  { session, names }: Place,
  work: (scope: Scope) => Promise<T>,
  undo: string,
): Promise<T> {
  let failure: DatabaseError | undefined;
  let isOver = false;
  const refuseLate = () => {
    if (isOver) throw new DatabaseError({ message: 'the transaction is over', code: '25P01' });
  };
  const scope: Scope = {
    async run(statement) {
      refuseLate();
      try {
        return await session.run(statement);
      } catch (error) {
        failure ??= toDatabaseError(error);
        throw error;
      }
    },
    async savepoint(inner) {
      refuseLate();
      const name = `s${names.next++}`;
      await scope.run({ text: `savepoint ${name}` });
      return runScope({ session, names }, inner, `rollback to savepoint ${name}`);
    },
  };
  try {
    const result = await work(scope);
    isOver = true;
    if (failure !== undefined) throw failure;
    return result;
  } catch (error) {
    isOver = true;
    // Where even that fails, nothing can be known of the session any more.
    await session.run({ text: undo }).catch(() => session.destroy());
    throw error;
  }
}
