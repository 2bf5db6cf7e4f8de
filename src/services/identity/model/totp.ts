import { createHmac } from 'node:crypto';

/** Seconds for which a passcode stands. */
const period = 30;

/**
 * The passcode of a moment: RFC 6238, SHA-1, six digits, thirty seconds.
 *
 * @param secret base32, with or without its padding
 * @param seconds since 1970
 * @throws RangeError for what is not base32
 */
export function totpPasscode(secret: string, seconds: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / period)));
  const digest = createHmac('sha1', fromBase32(secret)).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0');
}

/** The passcodes that are good at a moment. @param previous how many periods before the present one count too */
export const totpPasscodes = (secret: string, seconds: number, previous: number): string[] =>
  Array.from({ length: previous + 1 }, (_, ago) => totpPasscode(secret, seconds - ago * period));

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text.replace(/=+$/, '')) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) throw new RangeError('A TOTP secret must be base32');
    value = (value << 5) | digit;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
      value &= (1 << bits) - 1;
    }
  }
  return Buffer.from(bytes);
}
