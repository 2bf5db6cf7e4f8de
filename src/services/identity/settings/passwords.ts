import { boolean, choice, integer, text } from '../../../platform/config/setting.ts';

const year = 366;

/**
 * Passwords: keystone's `[identity]` and `[security_compliance]`, by their names there. Where keystone has no value
 * ("off"), it is 0 or empty here.
 */
export const passwordSettings = {
  password_hash_algorithm: choice(['bcrypt', 'bcrypt_sha256', 'scrypt', 'pbkdf2_sha512', 'argon2'], {
    description: 'How new passwords are hashed; what is stored verifies whatever it is.',
    default: 'bcrypt',
  }),
  password_hash_rounds: integer({
    description:
      "The cost of a hash; 0 for the algorithm's own: bcrypt 12, scrypt 16 (both as a power of two), " +
      'pbkdf2_sha512 60000, argon2 2 passes.',
    default: 0,
    min: 0,
    max: 10_000_000,
  }),
  salt_bytesize: integer({
    description: 'Bytes of salt for scrypt and pbkdf2_sha512.',
    default: 16,
    min: 8,
    max: 96,
  }),
  scrypt_block_size: integer({ description: 'scrypt’s r.', default: 8, min: 1, max: 64 }),
  scrypt_parallelism: integer({ description: 'scrypt’s p.', default: 1, min: 1, max: 16 }),
  max_password_length: integer({
    description: 'How many bytes of a password count; of bcrypt alone never more than 72.',
    default: 4096,
    min: 1,
    max: 4096,
  }),
  strict_password_check: boolean({
    description: 'Refuses a password that is too long instead of cutting it off.',
    default: false,
  }),
  password_hash_concurrency: integer({
    description: 'How many passwords are hashed at once; 0 for one fewer than there are cores.',
    default: 0,
    min: 0,
    max: 256,
  }),
  password_hash_queue: integer({
    description: 'How many may wait to be hashed; those beyond are answered 503.',
    default: 128,
    min: 1,
    max: 100_000,
  }),
  lockout_failure_attempts: integer({
    description: 'Wrong passwords in a row after which a user is locked out; 0 for never.',
    default: 0,
    min: 0,
    max: 1_000_000,
  }),
  lockout_duration: integer({
    description: 'How long a user is locked out, in seconds; 0 until an administrator enables him.',
    default: 1800,
    min: 0,
    max: 10 * year * 86_400,
  }),
  disable_user_account_days_inactive: integer({
    description: 'Days without authentication after which a user counts as disabled; 0 for never.',
    default: 0,
    min: 0,
    max: 100 * year,
  }),
  password_expires_days: integer({
    description: 'Days after which a password that is set from now on must be changed; 0 for never.',
    default: 0,
    min: 0,
    max: 100 * year,
  }),
  unique_last_password_count: integer({
    description: 'How many of the last passwords a user may not choose again; 0 for none.',
    default: 0,
    min: 0,
    max: 100,
  }),
  minimum_password_age: integer({
    description: 'Days before a user may change again the password that he chose.',
    default: 0,
    min: 0,
    max: 100 * year,
  }),
  password_regex: text({
    description: 'What a password must match from its beginning; empty for anything.',
    default: '',
  }),
  password_regex_description: text({
    description: 'What password_regex asks for, in words for the user.',
    default: '',
  }),
  change_password_upon_first_use: boolean({
    description: 'Whether a user must change a password that an administrator gave him.',
    default: false,
  }),
} as const;
