import { createHmac } from 'node:crypto';
import type { Store } from '../../../platform/store/store.ts';
import {
  assertMayChange,
  assertStrong,
  dayOf,
  isInactive,
  isLockable,
  isLocked,
  isLockOver,
  isPasswordExpired,
  passwordExpiry,
  passwordPattern,
  repeatedPassword,
  type SecurityCompliance,
  userTime,
} from '../model/password-rules.ts';
import { type Micros, nowMicros } from '../model/timestamps.ts';
import type { Directory } from '../store/directory.ts';
import type { Elsewhere } from '../store/elsewhere.ts';
import { PasswordRows } from '../store/passwords.ts';
import type { IdentityTables } from '../store/schema.ts';
import type { UserRow } from '../store/tables.ts';
import type { Hasher } from './hasher.ts';
import { type Turn, Turns } from './turns.ts';

/** A user as an authentication request names him. */
export interface UserReference {
  id?: string;
  name?: string;
  domain?: { id?: string; name?: string };
}

/** @returns the user that a request names, whether enabled or not */
export async function namedUser(directory: Directory, named: UserReference): Promise<UserRow | undefined> {
  if (named.id !== undefined) return directory.user(named.id);
  const domainId = await domainOf(directory, named);
  return named.name === undefined || domainId === undefined
    ? undefined
    : directory.userByName(named.name, domainId);
}

async function domainOf(directory: Directory, { domain }: UserReference): Promise<string | undefined> {
  return (
    domain?.id ?? (domain?.name === undefined ? undefined : (await directory.domainByName(domain.name))?.id)
  );
}

/** What is written of a user when his password is set. */
export type PasswordColumns = Pick<
  UserRow,
  'password_hash' | 'password_created_at' | 'password_expires_at' | 'password_self_service'
>;

/** What came of a password. `who` is whom it was tried on, where there is such a user. */
export type Checked =
  | { right: true; user: UserRow; expired: boolean }
  | { right: false; who?: UserRow; why: 'wrong' | 'locked' | 'disabled' };

/** A password that was tried. */
export interface PasswordTry {
  outcome: 'success' | 'failure';
  /** On whom, where there is such a user. */
  user?: Pick<UserRow, 'id' | 'name'>;
  named: UserReference;
  reason?: { reasonCode: string; reasonType: string };
}

export interface PasswordsOptions {
  store: Store<IdentityTables>;
  directory: Directory;
  /** The users whose passwords their domain's backend checks. */
  elsewhere?: Elsewhere | undefined;
  hasher: Hasher;
  rules: SecurityCompliance;
  /** By which it is chosen whose hash is worked on where there is no such user: nobody else may know it. */
  decoyKey: Buffer;
  now?: () => Micros;
  /** Told of every try. */
  onTry?(tried: PasswordTry): void;
}

/** Checks and sets passwords, by the rules of security compliance. */
export class Passwords {
  readonly #options: PasswordsOptions;
  readonly #rows: PasswordRows;
  readonly #pattern: RegExp | undefined;
  readonly #now: () => Micros;
  readonly #turns = new Turns();

  constructor(options: PasswordsOptions) {
    this.#options = options;
    this.#rows = new PasswordRows(options.store);
    this.#pattern = passwordPattern(options.rules.password_regex);
    this.#now = options.now ?? nowMicros;
  }

  /**
   * Checks a password. Costs the same whether there is such a user, has a password, is locked or disabled, and whether
   * the password is right: where there is nobody, the work is done on the hash of somebody, always the same for the
   * same name. So names that nobody has show the same mixture of algorithms and costs as those that somebody has.
   */
  async check(named: UserReference, password: string): Promise<Checked> {
    const checked = await this.#try(named, password);
    this.#options.onTry?.(asTold(named, checked));
    return checked;
  }

  async #try(named: UserReference, password: string): Promise<Checked> {
    const { directory, elsewhere, hasher } = this.#options;
    const user = await namedUser(directory, named);
    const domainId = elsewhere && (await domainOf(directory, named));
    if (user && elsewhere && (await directory.isElsewhere(user.id))) {
      const right = await elsewhere.authenticate(user.id, password);
      if (!right) return { right, who: user, why: 'wrong' };
      return user.enabled ? { right, user, expired: false } : { right: false, who: user, why: 'disabled' };
    }
    if (!user && domainId !== undefined && (await elsewhere?.authenticateNobody(domainId, password)))
      return { right: false, why: 'wrong' };
    const decoy = await this.#decoyFor(named);
    const hashed = user?.password_hash ?? null;
    const id = user?.id ?? '';
    // Without it a right guess, of which nothing has to be written, would overtake the wrong ones before it.
    let turn: Turn | undefined;
    try {
      const matches = await hasher.verify(password, hashed ?? decoy, () => {
        turn = this.#turns.take(user ? id : nameOf(named));
      });
      await turn?.come;
      const outcome = await this.#settle(id, hashed, matches && hashed !== null);
      // Whom the store has now is not yet who the directory says he is: that he is inactive, it knows.
      return outcome.right && !user?.enabled ? { right: false, who: outcome.user, why: 'disabled' } : outcome;
    } finally {
      turn?.end();
    }
  }

  /**
   * Decides by what the store says after the work. Guesses at one user that ran side by side are decided one after the
   * other in the order in which they began, as if each had waited for the last: a right one is good only where fewer
   * wrong ones than allowed came before. (Of several processes each has an order of its own.)
   */
  async #settle(id: string, hashed: string | null, matches: boolean): Promise<Checked> {
    const user = await this.#rows.user(id);
    if (!user) return { right: false, why: 'wrong' };
    const right = matches && user.password_hash === hashed;
    const quiet = !isLockable(user, this.#options.rules) || (right && user.failed_auth_count === 0);
    const locked = quiet ? false : await this.#count(id, right);
    if (locked) return { right: false, who: user, why: 'locked' };
    if (!right) return { right: false, who: user, why: 'wrong' };
    const now = this.#now();
    if (!user.enabled || isInactive(user, this.#options.rules.disable_user_account_days_inactive, now))
      return { right: false, who: user, why: 'disabled' };
    const expired = isPasswordExpired(user, now);
    if (!expired && user.last_active_at !== dayOf(now)) await this.#rows.seen(id, dayOf(now));
    return { right: true, user, expired };
  }

  /** Counts a wrong password, or forgets those before a right one. @returns whether the user is locked out, uncounted */
  #count(id: string, right: boolean): Promise<boolean> {
    const { store, rules } = this.#options;
    return store.transaction(async () => {
      const user = await this.#rows.user(id);
      const now = this.#now();
      if (!user) return false;
      if (isLocked(user, rules, now)) return true;
      if (right) {
        if (user.failed_auth_count > 0) await this.#rows.forgetFailures(id);
        return false;
      }
      const before = isLockOver(user, rules, now) ? 0 : user.failed_auth_count;
      await this.#rows.countFailure(id, before + 1, userTime(now));
      return false;
    });
  }

  /** The hash to work on where there is no other: that of a user, whom the name chooses. */
  async #decoyFor(named: UserReference): Promise<string> {
    const { decoyKey, hasher } = this.#options;
    const key = createHmac('sha256', decoyKey).update(nameOf(named));
    return (await this.#rows.hashFrom(key.digest('hex').slice(0, 32))) ?? hasher.nobody();
  }

  /**
   * What an administrator's new password makes of a user; `null` is none.
   * @throws BadRequest where it is not as the rules ask
   */
  async given(password: string | null, options: UserRow['options']): Promise<PasswordColumns> {
    assertStrong(password, this.#pattern, this.#options.rules);
    return this.#columns(password, options, 'administrator');
  }

  /**
   * What the password that a user chose makes of him.
   * @throws BadRequest where it is not as the rules ask, or he may not change it now
   */
  async chosen(user: UserRow, password: string): Promise<PasswordColumns> {
    const { rules, hasher } = this.#options;
    assertStrong(password, this.#pattern, rules);
    assertMayChange(user, rules, this.#now());
    const { unique_last_password_count: count } = rules;
    const previous = [user.password_hash, ...(await this.#rows.past(user.id, count - 1))].slice(0, count);
    for (const hashed of previous) {
      if (hashed !== null && (await hasher.verify(password, hashed))) throw repeatedPassword(rules);
    }
    return this.#columns(password, user.options, 'user');
  }

  /** What a password makes of a user that the configuration itself names: no rule makes it end. */
  async configured(password: string): Promise<PasswordColumns> {
    const columns = await this.#columns(password, {}, 'user');
    return { ...columns, password_expires_at: null, password_self_service: false };
  }

  async matches(password: string, hashed: string): Promise<boolean> {
    return this.#options.hasher.verify(password, hashed);
  }

  /** Keeps the present password among the past ones: for the transaction that writes another. */
  retire(userId: string): Promise<void> {
    const keep = Math.max(1, this.#options.rules.unique_last_password_count);
    return this.#rows.retire(userId, keep, userTime(this.#now()));
  }

  /** What is written of a user who is enabled by hand, or whose password is set for him: nothing holds him off. */
  readmitted(user: Pick<UserRow, 'last_active_at'>): Partial<UserRow> {
    const { disable_user_account_days_inactive: days } = this.#options.rules;
    return {
      failed_auth_count: 0,
      failed_auth_at: null,
      last_active_at: days > 0 ? dayOf(this.#now()) : user.last_active_at,
    };
  }

  /** Now, as users' times are kept. */
  now(): string {
    return userTime(this.#now());
  }

  async #columns(
    password: string | null,
    options: UserRow['options'],
    by: 'administrator' | 'user',
  ): Promise<PasswordColumns> {
    const { hasher, rules } = this.#options;
    const password_hash = password === null ? null : await hasher.hash(password);
    const now = this.#now();
    return {
      password_hash,
      password_created_at: password === null ? null : userTime(now),
      password_expires_at: password === null ? null : passwordExpiry(options, by, rules, now),
      password_self_service: by === 'user',
    };
  }
}

/** What a request calls a user, as one text. */
const nameOf = ({ id, name, domain }: UserReference): string =>
  JSON.stringify([id, name, domain?.id, domain?.name]);

function asTold(named: UserReference, checked: Checked): PasswordTry {
  const user = checked.right ? checked.user : checked.who;
  const failure = (reasonCode: string, reasonType: string): PasswordTry => ({
    outcome: 'failure',
    ...(user ? { user } : {}),
    named,
    reason: { reasonCode, reasonType },
  });
  if (checked.right && !checked.expired) return { outcome: 'success', user: checked.user, named };
  if (checked.right) return failure('401', expiredMessage(checked.user.id));
  if (!user) return failure('404', `Could not find user: ${named.id ?? named.name ?? ''}.`);
  if (checked.why === 'locked') return failure('401', `The account is locked for user: ${user.id}.`);
  if (checked.why === 'disabled') return failure('401', `The account is disabled for user: ${user.id}.`);
  return { outcome: 'failure', user, named };
}

/** Upstream's words to him whose password was right, but has run out. */
export const expiredMessage = (userId: string): string =>
  `The password is expired and needs to be changed for user: ${userId}.`;
