import { type PasswordOptions, verifyNobody, verifyPassword } from '../model/password.ts';
import { nowMicros, parseIsoTime } from '../model/timestamps.ts';
import type { Directory } from '../store/directory.ts';
import type { UserRow } from '../store/tables.ts';

/** A user as an authentication request names him. */
export interface UserReference {
  id?: string;
  name?: string;
  domain?: { id?: string; name?: string };
}

/** @returns the user that a request names, whether enabled or not */
export async function namedUser(directory: Directory, named: UserReference): Promise<UserRow | undefined> {
  if (named.id !== undefined) return directory.user(named.id);
  const { name, domain } = named;
  if (name === undefined) return undefined;
  const domainId =
    domain?.id ?? (domain?.name === undefined ? undefined : (await directory.domainByName(domain.name))?.id);
  return domainId === undefined ? undefined : directory.userByName(name, domainId);
}

/**
 * Checks a password. Costs the same and answers the same whether there is such a user, whether he has a password, and
 * whether it is this one.
 *
 * @param options.evenExpired a password that has run out is still good for setting a new one
 * @returns the user, or undefined
 */
export async function checkPassword(
  directory: Directory,
  named: UserReference,
  password: string,
  options: PasswordOptions & { evenExpired?: boolean },
): Promise<UserRow | undefined> {
  const user = await namedUser(directory, named);
  const right = user?.password_hash
    ? await verifyPassword(password, user.password_hash, options)
    : await verifyNobody(password, options);
  if (!user || !right) return undefined;
  const expires = user.password_expires_at;
  if (!options.evenExpired && expires !== null && parseIsoTime(expires) <= nowMicros()) return undefined;
  return user;
}
