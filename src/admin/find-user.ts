/** Whom the operator means by `platform:ID`. */

import { StartError } from '../start-error.ts';
import { type NamedAccount, readAccount } from '../users/accounts.ts';

export { findPerson, findUser } from '../users/accounts.ts';

/** @throws StartError */
export function parseAccount(user: string, orElse = ''): NamedAccount {
  const account = readAccount(user);
  if (account === undefined) {
    throw new StartError(
      `"${user}" names no user: take platform:ID, such as telegram:123456${orElse}.`,
    );
  }
  return account;
}

export function unknownUser(user: string): StartError {
  return new StartError(`No user ${user} is known here: they never wrote, or were forgotten.`);
}
