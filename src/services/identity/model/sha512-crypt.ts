import { createHash } from 'node:crypto';

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const spelling = /^\$6\$(?:rounds=(\d{1,9})\$)?([^$]{0,16})\$([./0-9A-Za-z]{86})$/;
const usualRounds = 5000;
/** Beyond what any installation wrote (keystone: 10,000 to 40,000): the work must end. */
const mostRounds = 1_000_000;

/** The digest's bytes in the order in which three by three are spelled, ending with the last alone. */
const order = Array.from({ length: 21 }, (_, n) => {
  const triple = [n, n + 21, n + 42];
  const turn = n % 3;
  return [...triple.slice(turn), ...triple.slice(0, turn)];
});

export const isSha512Crypt = (hashed: string): boolean => spelling.test(hashed);

/**
 * crypt(3)'s SHA-512, in which keystone kept passwords before Pike. Blocks while it works: for a thread of its own.
 * @param hashed `$6$[rounds=N$]salt$digest`
 * @returns the hash of the password with the same salt and rounds, undefined where `hashed` is no such hash
 * @see https://www.akkadia.org/drepper/SHA-crypt.txt
 */
export function sha512Crypt(password: Uint8Array, hashed: string): string | undefined {
  const [, asked, salt = ''] = spelling.exec(hashed) ?? [];
  if (!spelling.test(hashed)) return undefined;
  const rounds = asked === undefined ? usualRounds : Math.max(1000, Number(asked));
  if (rounds > mostRounds) return undefined;
  const salted = Buffer.from(salt, 'utf8');
  const { length } = password;
  const other = digest(password, salted, password);
  const first = createHash('sha512').update(password).update(salted).update(repeated(other, length));
  for (let bits = length; bits > 0; bits >>= 1) first.update(bits & 1 ? other : password);
  let last: Uint8Array = first.digest();
  const p = repeated(digest(...Array.from({ length }, () => password)), length);
  const s = repeated(
    digest(...Array.from({ length: 16 + (last[0] as number) }, () => salted)),
    salted.length,
  );
  for (let round = 0; round < rounds; round += 1) {
    const odd = round % 2 === 1;
    const parts = [odd ? p : last];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? last : p);
    last = digest(...parts);
  }
  const text = order
    .map(([a = 0, b = 0, c = 0]) => spelled(last[a] as number, last[b] as number, last[c] as number, 4))
    .join('');
  const prefix = asked === undefined ? '$6$' : `$6$rounds=${asked}$`;
  return `${prefix}${salt}$${text}${spelled(0, 0, last[63] as number, 2)}`;
}

function digest(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const repeated = (bytes: Uint8Array, length: number): Buffer => Buffer.alloc(length, bytes);

function spelled(high: number, middle: number, low: number, characters: number): string {
  let value = (high << 16) | (middle << 8) | low;
  let text = '';
  for (let n = 0; n < characters; n += 1, value >>= 6) text += alphabet[value & 63];
  return text;
}
