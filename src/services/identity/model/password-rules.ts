import { BadRequest } from '../../../platform/errors/errors.ts';
import { type Micros, parseIsoTime, toIsoTime } from './timestamps.ts';

/** keystone's `[security_compliance]`, where 0 and '' stand for "off". */
export interface SecurityCompliance {
  lockout_failure_attempts: number;
  /** Seconds. */
  lockout_duration: number;
  disable_user_account_days_inactive: number;
  password_expires_days: number;
  unique_last_password_count: number;
  /** Days. */
  minimum_password_age: number;
  password_regex: string;
  password_regex_description: string;
  change_password_upon_first_use: boolean;
}

/** What of a user the rules look at. Times are ISO 8601 in UTC without its `Z`, as the API shows them. */
export interface UserState {
  enabled: boolean;
  options: Readonly<Record<string, unknown>>;
  password_created_at: string | null;
  password_expires_at: string | null;
  password_self_service: boolean;
  user_created_at: string | null;
  last_active_at: string | null;
  failed_auth_count: number;
  failed_auth_at: string | null;
}

const day = 86_400 * 1e6;

/** An instant as users' times are kept and shown: in UTC, which is not said. */
export const userTime = (at: Micros): string => toIsoTime(at).slice(0, -1);
/** The day of an instant, in UTC. */
export const dayOf = (at: Micros): string => toIsoTime(at).slice(0, 10);

/** Reads `password_regex`, which is Python's `re` and must match from the beginning. @throws SyntaxError */
export function passwordPattern(regex: string): RegExp | undefined {
  return regex === '' ? undefined : new RegExp(`^(?:${regex.replaceAll('(?P<', '(?<')})`, 'u');
}

/** @throws BadRequest where a new password is not as the pattern asks */
export function assertStrong(
  password: string | null,
  pattern: RegExp | undefined,
  { password_regex_description }: SecurityCompliance,
): void {
  if (!pattern) return;
  if (password === null) throw new BadRequest('Password validation error: Password must be a string type.');
  if (!pattern.test(password))
    throw new BadRequest(`The password does not match the requirements: ${password_regex_description}.`);
}

/** @throws BadRequest where the user may not change his password himself now */
export function assertMayChange(user: UserState, rules: SecurityCompliance, now: Micros): void {
  if (user.options['lock_password'] === true) {
    throw new BadRequest(
      'You cannot change your password at this time due to password policy disallowing password changes. ' +
        'Please contact your administrator to reset your password.',
    );
  }
  if (!user.password_self_service || user.password_created_at === null) return;
  const { minimum_password_age: days } = rules;
  const left = parseIsoTime(user.password_created_at) + days * day - now;
  if (left <= 0) return;
  throw new BadRequest(
    'You cannot change your password at this time due to the minimum password age. Once you change your ' +
      `password, it must be used for ${days} day(s) before it can be changed. Please try again in ` +
      `${Math.floor(left / day)} day(s) or contact your administrator to reset your password.`,
  );
}

export const repeatedPassword = ({ unique_last_password_count }: SecurityCompliance): BadRequest =>
  new BadRequest(
    'The new password cannot be identical to a previous password. The total number which includes the new ' +
      `password must be unique is ${unique_last_password_count}.`,
  );

/** When a password that is set now ends. @param by who set it: an administrator's may have to be changed at once */
export function passwordExpiry(
  options: UserState['options'],
  by: 'administrator' | 'user',
  rules: SecurityCompliance,
  now: Micros,
): string | null {
  const mustChange =
    rules.change_password_upon_first_use && options['ignore_change_password_upon_first_use'] !== true;
  if (by === 'administrator' && mustChange) return userTime(now);
  if (rules.password_expires_days === 0 || options['ignore_password_expiry'] === true) return null;
  // Whole seconds, as keystone has them.
  return userTime(Math.floor((now + rules.password_expires_days * day) / 1e6) * 1e6);
}

export const isPasswordExpired = (user: UserState, now: Micros): boolean =>
  user.password_expires_at !== null &&
  user.options['ignore_password_expiry'] !== true &&
  parseIsoTime(user.password_expires_at) <= now;

/** Whether wrong passwords are counted for this user. */
export const isLockable = (user: UserState, { lockout_failure_attempts }: SecurityCompliance): boolean =>
  lockout_failure_attempts > 0 && user.options['ignore_lockout_failure_attempts'] !== true;

/** Whether the failures that were counted are over: the lock of a locked user has ended. */
export const isLockOver = (user: UserState, rules: SecurityCompliance, now: Micros): boolean =>
  user.failed_auth_count >= rules.lockout_failure_attempts &&
  rules.lockout_duration > 0 &&
  (user.failed_auth_at === null || parseIsoTime(user.failed_auth_at) + rules.lockout_duration * 1e6 <= now);

export const isLocked = (user: UserState, rules: SecurityCompliance, now: Micros): boolean =>
  isLockable(user, rules) &&
  user.failed_auth_count >= rules.lockout_failure_attempts &&
  !isLockOver(user, rules, now);

/** Whether a user counts as disabled because he has not been seen for long. */
export function isInactive(user: UserState, days: number, now: Micros): boolean {
  const seen = user.last_active_at ?? user.user_created_at?.slice(0, 10);
  if (days === 0 || seen === undefined || user.options['ignore_user_inactivity'] === true) return false;
  return Date.parse(dayOf(now)) - Date.parse(seen) >= (days * day) / 1000;
}

/** Whether a user counts as enabled. */
export const isActive = (user: UserState, days: number, now: Micros): boolean =>
  user.enabled && !isInactive(user, days, now);
