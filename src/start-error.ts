/**
 * Latchkey can't start, and a person has to change something: the message is one clear sentence
 * (or a list of them) for the operator, holds no secret, and is shown without a stack.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code = 'cannot-start';
  readonly exitCode = 1;
}
