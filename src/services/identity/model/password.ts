import { createHmac, pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { hash as hashBcrypt, verify as verifyBcrypt } from '@node-rs/bcrypt';
import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';

/** bcrypt reads no further; keystone cuts there too, so its hashes verify here and ours there. */
const bcryptBytes = 72;
const bcryptHash = /^\$2[abxy]?\$/;
const bcryptSha256 = /^\$bcrypt-sha256\$v=2,t=(2[ab]),r=(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/;
const scryptHash = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([./+A-Za-z0-9]+)\$([./+A-Za-z0-9]+)$/;
const pbkdf2Hash = /^\$pbkdf2-sha512\$(\d{1,8})\$([./+A-Za-z0-9]+)\$([./+A-Za-z0-9]+)$/;
const largestScryptMemory = 512 * 1024 * 1024;

const pbkdf2Async = promisify(pbkdf2);
const scryptAsync = promisify<
  Buffer,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

export interface PasswordOptions {
  /** bcrypt cost, 4–31; keystone's default is 12 */
  rounds?: number;
  /** keystone's `[identity] max_password_length`; of bcrypt's sort never more than 72 bytes count */
  maxLength?: number;
  /** keystone's `strict_password_check`: refuse instead of cutting off */
  strict?: boolean;
}

/**
 * Hashes a password as keystone does by default (`$2b$`, 12 rounds), off the main thread.
 * @throws Forbidden with `strict`, when the password is too long
 */
export function hashPassword(password: string, options: PasswordOptions = {}): Promise<string> {
  return hashBcrypt(toBytes(password, options), { cost: options.rounds ?? 12 });
}

/**
 * Verifies against any hash that a keystone may have stored: bcrypt (`$2a$`, `$2b$`, `$2y$`), bcrypt_sha256,
 * scrypt, pbkdf2_sha512, the last three in passlib's spelling. Runs off the main thread.
 * @returns false also for a malformed or unknown hash
 */
export async function verifyPassword(
  password: string,
  hashed: string,
  options: PasswordOptions = {},
): Promise<boolean> {
  const bytes = toBytes(password, options);
  if (bcryptHash.test(hashed)) return verifyBcrypt(bytes, hashed);
  const sha256 = bcryptSha256.exec(hashed);
  if (sha256) {
    const [, ident, rounds = '', salt = '', digest = ''] = sha256;
    const inner = createHmac('sha256', salt).update(bytes).digest('base64');
    return verifyBcrypt(inner, `$${ident}$${rounds.padStart(2, '0')}$${salt}${digest}`);
  }
  const scrypted = scryptHash.exec(hashed);
  if (scrypted) {
    const [, ln, r, p, salt = '', digest = ''] = scrypted;
    const memory = 128 * 2 ** Number(ln) * Number(r);
    if (memory > largestScryptMemory) return false;
    const expected = fromPasslibBase64(digest);
    const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p), maxmem: memory * 2 + (1 << 20) };
    return timingSafeEqual(
      await scryptAsync(bytes, fromPasslibBase64(salt), expected.length, cost),
      expected,
    );
  }
  const derived = pbkdf2Hash.exec(hashed);
  if (derived) {
    const [, rounds, salt = '', digest = ''] = derived;
    const expected = fromPasslibBase64(digest);
    const key = await pbkdf2Async(bytes, fromPasslibBase64(salt), Number(rounds), expected.length, 'sha512');
    return timingSafeEqual(key, expected);
  }
  return false;
}

/**
 * Costs what verifying costs, and is always false: for users that do not exist or have no password, so that
 * the time of an answer does not tell who exists.
 */
export async function verifyNobody(password: string, options: PasswordOptions = {}): Promise<false> {
  const rounds = String(options.rounds ?? 12).padStart(2, '0');
  const salt = `${randomBytes(16).toString('hex').slice(0, 21)}.`;
  await verifyBcrypt(toBytes(password, options), `$2b$${rounds}$${salt}${'.'.repeat(31)}`);
  return false;
}

export interface PasswordRules {
  /** keystone's `[security_compliance] password_regex` */
  regex?: RegExp;
  /** what the regex asks for, in words for the user */
  regexDescription?: string;
}

/**
 * What a new password must be.
 * @throws BadRequest when the password does not match
 */
export function assertPasswordAllowed(password: string, rules: PasswordRules): void {
  if (rules.regex && !rules.regex.test(password)) {
    const detail = rules.regexDescription ?? '';
    throw new BadRequest(`The password does not match the requirements: ${detail}.`);
  }
}

/**
 * @param previous hashes of the passwords that must not come again, keystone's `unique_last_password_count`
 * @throws BadRequest when the password is one of them
 */
export async function assertPasswordNew(
  password: string,
  previous: readonly string[],
  options: PasswordOptions = {},
): Promise<void> {
  for (const hashed of previous) {
    if (!(await verifyPassword(password, hashed, options))) continue;
    throw new BadRequest(
      'The new password cannot be identical to a previous password. The total number which includes the new ' +
        `password must be unique is ${previous.length + 1}.`,
    );
  }
}

function toBytes(password: string, options: PasswordOptions): Buffer {
  const bytes = Buffer.from(password, 'utf8');
  const limit = Math.min(options.maxLength ?? 4096, bcryptBytes);
  if (bytes.length <= limit) return bytes;
  if (!options.strict) return bytes.subarray(0, limit);
  throw new Forbidden(
    `The password length must be less than or equal to ${limit}. The server could not comply with the request ` +
      'because the password is invalid.',
  );
}

/** passlib writes `.` where base64 has `+`, and no padding. */
function fromPasslibBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}
