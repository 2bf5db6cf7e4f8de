import { createHash, createHmac, pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { genSalt, hash as hashBcrypt, verify as verifyBcrypt } from '@node-rs/bcrypt';
import { Forbidden } from '../../../platform/errors/errors.ts';
import { isSha512Crypt } from './sha512-crypt.ts';

/** bcrypt reads no further; keystone cuts there too, so its hashes verify here and ours there. */
const bcryptBytes = 72;
const bcryptHash = /^\$2[abxy]?\$/;
const bcryptSha256 = /^\$bcrypt-sha256\$v=2,t=(2[ab]),r=(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/;
/** As passlib wrote it before 1.7.3. */
const bcryptSha256First = /^\$bcrypt-sha256\$(2[ab]),(\d{1,2})\$([./A-Za-z0-9]{22})\$([./A-Za-z0-9]{31})$/;
const scryptHash = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([./+A-Za-z0-9]+)\$([./+A-Za-z0-9]+)$/;
const pbkdf2Hash = /^\$pbkdf2-sha512\$(\d{1,8})\$([./+A-Za-z0-9]+)\$([./+A-Za-z0-9]+)$/;
const argon2Hash = /^\$argon2(?:id|i|d)\$v=\d+\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$/;
const largestMemory = 512 * 1024 * 1024;

const pbkdf2Async = promisify(pbkdf2);
const scryptAsync = promisify<
  Buffer,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt);

/** How new passwords are hashed; names and meanings of keystone's settings. */
export interface HashRecipe {
  password_hash_algorithm: 'bcrypt' | 'bcrypt_sha256' | 'scrypt' | 'pbkdf2_sha512' | 'argon2';
  /** 0: the algorithm's own. */
  password_hash_rounds: number;
  /** Bytes. */
  salt_bytesize: number;
  scrypt_block_size: number;
  scrypt_parallelism: number;
}

/** What becomes of long passwords. */
export interface PasswordLength {
  /** The algorithm of new hashes: of bcrypt alone only 72 bytes count. */
  password_hash_algorithm: HashRecipe['password_hash_algorithm'];
  /** Bytes. */
  max_password_length: number;
  /** Refuse instead of cutting off. */
  strict_password_check: boolean;
}

/**
 * A password as the bytes that count.
 * @throws Forbidden with `strict_password_check`, when the password is too long
 */
export function passwordBytes(password: string, rules: PasswordLength): Buffer {
  const bytes = Buffer.from(password, 'utf8');
  const { max_password_length, password_hash_algorithm } = rules;
  const limit =
    password_hash_algorithm === 'bcrypt' ? Math.min(max_password_length, bcryptBytes) : max_password_length;
  if (bytes.length <= limit) return bytes;
  if (!rules.strict_password_check) return bytes.subarray(0, limit);
  throw new Forbidden(
    `The password length must be less than or equal to ${limit}. The server could not comply with the request ` +
      'because the password is invalid.',
  );
}

/** Hashes in passlib's spelling (argon2 in its own), off the main thread; keystone reads all but argon2. */
export async function hashPassword(password: Buffer, recipe: HashRecipe): Promise<string> {
  const rounds = recipe.password_hash_rounds || undefined;
  const salt = () => randomBytes(recipe.salt_bytesize);
  switch (recipe.password_hash_algorithm) {
    case 'bcrypt':
      return hashBcrypt(password, { cost: rounds ?? 12 });
    case 'bcrypt_sha256': {
      const cost = rounds ?? 12;
      const full = await genSalt({ cost });
      const salted = full.slice(-22);
      const inner = createHmac('sha256', salted).update(password).digest('base64');
      const hashed = await hashBcrypt(inner, { salt: full });
      return `$bcrypt-sha256$v=2,t=2b,r=${cost}$${salted}$${hashed.slice(-31)}`;
    }
    case 'scrypt': {
      const { scrypt_block_size: r, scrypt_parallelism: p } = recipe;
      const ln = rounds ?? 16;
      const salted = salt();
      const derived = await scryptAsync(password, salted, 32, scryptCost(ln, r, p));
      return `$scrypt$ln=${ln},r=${r},p=${p}$${toPasslibBase64(salted)}$${toPasslibBase64(derived)}`;
    }
    case 'pbkdf2_sha512': {
      const salted = salt();
      const times = rounds ?? 60_000;
      const derived = await pbkdf2Async(password, salted, times, 64, 'sha512');
      return `$pbkdf2-sha512$${times}$${toPasslibBase64(salted)}$${toPasslibBase64(derived)}`;
    }
    case 'argon2': {
      const argon2 = await import('@node-rs/argon2');
      return argon2.hash(password, rounds === undefined ? {} : { timeCost: rounds });
    }
  }
}

/**
 * @param recipe as the settings give it
 * @throws TypeError where the algorithm cannot have these rounds
 */
export function assertRecipe({
  password_hash_algorithm: algorithm,
  password_hash_rounds: rounds,
}: HashRecipe) {
  if (rounds === 0) return;
  const [least, most] = {
    bcrypt: [4, 31],
    bcrypt_sha256: [4, 31],
    scrypt: [1, 19],
    pbkdf2_sha512: [1, 10_000_000],
    argon2: [1, 1000],
  }[algorithm] as [number, number];
  if (rounds < least || rounds > most)
    throw new TypeError(`password_hash_rounds must be from ${least} to ${most} for ${algorithm}`);
}

/**
 * Verifies against any hash that a keystone may have stored: bcrypt (`$2a$`, `$2b$`, `$2y$`), bcrypt_sha256 of both
 * versions, scrypt, pbkdf2_sha512, sha512_crypt; and argon2. Runs off the main thread.
 * @returns false also for a malformed, greedy or unknown hash
 */
export async function verifyPassword(password: Buffer, hashed: string): Promise<boolean> {
  if (bcryptHash.test(hashed)) return verifyBcrypt(password, hashed);
  const sha256 = bcryptSha256.exec(hashed);
  if (sha256) {
    const [, ident, rounds, salt = '', digest] = sha256;
    const inner = createHmac('sha256', salt).update(password).digest('base64');
    return verifyBcrypt(inner, bcryptOf(ident, rounds, salt, digest));
  }
  const first = bcryptSha256First.exec(hashed);
  if (first) {
    const [, ident, rounds, salt, digest] = first;
    return verifyBcrypt(
      createHash('sha256').update(password).digest('base64'),
      bcryptOf(ident, rounds, salt, digest),
    );
  }
  const scrypted = scryptHash.exec(hashed);
  if (scrypted) {
    const [, ln, r, p, salt = '', digest = ''] = scrypted;
    const cost = scryptCost(Number(ln), Number(r), Number(p));
    if (cost.maxmem > largestMemory) return false;
    const expected = fromPasslibBase64(digest);
    return timingSafeEqual(
      await scryptAsync(password, fromPasslibBase64(salt), expected.length, cost),
      expected,
    );
  }
  const derived = pbkdf2Hash.exec(hashed);
  if (derived) {
    const [, rounds, salt = '', digest = ''] = derived;
    const expected = fromPasslibBase64(digest);
    const key = await pbkdf2Async(
      password,
      fromPasslibBase64(salt),
      Number(rounds),
      expected.length,
      'sha512',
    );
    return timingSafeEqual(key, expected);
  }
  const argon = argon2Hash.exec(hashed);
  if (argon) {
    if (Number(argon[1]) * 1024 > largestMemory) return false;
    const argon2 = await import('@node-rs/argon2');
    return argon2.verify(hashed, password).catch(() => false);
  }
  return isSha512Crypt(hashed) && verifySha512Crypt(password, hashed);
}

/** In a thread for each: nobody writes such hashes any more, and the libraries have it nowhere. */
function verifySha512Crypt(password: Buffer, hashed: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./sha512-crypt-thread.ts', import.meta.url), {
      workerData: { password: new Uint8Array(password), hashed },
    });
    thread.once('message', (right: boolean) => resolve(right));
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that hashed has gone')));
  });
}

/** A hash that nothing matches, which costs what a real one costs. */
export async function unmatchable(recipe: HashRecipe): Promise<string> {
  return hashPassword(randomBytes(32), recipe);
}

const bcryptOf = (ident = '', rounds = '', salt = '', digest = ''): string =>
  `$${ident}$${rounds.padStart(2, '0')}$${salt}${digest}`;

/** `maxmem` is above what the work takes: OpenSSL counts a little more than the block. */
function scryptCost(ln: number, r: number, p: number): { N: number; r: number; p: number; maxmem: number } {
  return { N: 2 ** ln, r, p, maxmem: 128 * r * (2 ** ln + p) + (1 << 20) };
}

/** passlib writes `.` where base64 has `+`, and no padding. */
function fromPasslibBase64(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}

const toPasslibBase64 = (bytes: Buffer): string =>
  bytes.toString('base64').replaceAll('=', '').replaceAll('+', '.');
