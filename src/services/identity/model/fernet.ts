import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';

/** The token is malformed, was made with none of our keys, or was tampered with; which of them is not told. */
export class InvalidFernetToken extends Error {
  constructor() {
    super('Could not recognize Fernet token');
    this.name = 'InvalidFernetToken';
  }
}

export interface FernetMessage {
  message: Buffer;
  /** whole seconds since 1970, as the token carries them */
  createdAt: number;
}

interface Key {
  signing: KeyObject;
  encryption: KeyObject;
}

const version = 0x80;
const headerBytes = 1 + 8 + 16;
const macBytes = 32;
const blockBytes = 16;
const smallestToken = headerBytes + blockBytes + macBytes;
/** Characters; a federated token with a hundred groups is a fifth of this. */
const longestToken = 16_384;
const tokenShape = /^[A-Za-z0-9_-]+={0,2}$/;
const keyShape = /^[A-Za-z0-9_-]{43}=?$/;

/**
 * Fernet (github.com/fernet/spec) with several keys: the first makes tokens, all of them read.
 * Tokens come out without the `=` padding, as keystone writes them, and are read with or without it.
 */
export class Fernet {
  readonly #keys: readonly Key[];
  readonly #primary: Key;
  // One draw of random bytes serves many tokens: a system call each would be a third of the cost.
  readonly #ivs = Buffer.alloc(blockBytes * 256);
  #nextIv = this.#ivs.length;

  /**
   * @param keys 32 bytes each in base64url, primary first
   * @throws RangeError when there is none, or one is malformed (its text is not repeated)
   */
  constructor(keys: readonly string[]) {
    this.#keys = keys.map(toKey);
    const [primary] = this.#keys;
    if (!primary) throw new RangeError('Fernet needs at least one key');
    this.#primary = primary;
  }

  /** @param createdAt whole seconds since 1970 */
  encrypt(message: Uint8Array, createdAt = Math.floor(Date.now() / 1000)): string {
    const header = Buffer.allocUnsafe(headerBytes);
    header[0] = version;
    header.writeBigUInt64BE(BigInt(createdAt), 1);
    if (this.#nextIv === this.#ivs.length) {
      randomFillSync(this.#ivs);
      this.#nextIv = 0;
    }
    const iv = this.#ivs.subarray(this.#nextIv, (this.#nextIv += blockBytes));
    header.set(iv, 9);
    const cipher = createCipheriv('aes-128-cbc', this.#primary.encryption, iv);
    const signed = Buffer.concat([header, cipher.update(message), cipher.final()]);
    const mac = createHmac('sha256', this.#primary.signing).update(signed).digest();
    return Buffer.concat([signed, mac]).toString('base64url');
  }

  /** @throws InvalidFernetToken */
  decrypt(token: string): FernetMessage {
    if (token.length > longestToken || !tokenShape.test(token)) throw new InvalidFernetToken();
    const bytes = Buffer.from(token, 'base64url');
    if (
      bytes.length < smallestToken ||
      bytes[0] !== version ||
      (bytes.length - headerBytes - macBytes) % blockBytes !== 0
    ) {
      throw new InvalidFernetToken();
    }
    const signed = bytes.subarray(0, -macBytes);
    const mac = bytes.subarray(-macBytes);
    for (const key of this.#keys) {
      if (!timingSafeEqual(createHmac('sha256', key.signing).update(signed).digest(), mac)) continue;
      try {
        const decipher = createDecipheriv('aes-128-cbc', key.encryption, bytes.subarray(9, headerBytes));
        const message = Buffer.concat([decipher.update(signed.subarray(headerBytes)), decipher.final()]);
        return { message, createdAt: Number(bytes.readBigUInt64BE(1)) };
      } catch {
        throw new InvalidFernetToken();
      }
    }
    throw new InvalidFernetToken();
  }
}

/** A new key as it stands in a key file: 44 characters of padded base64url. */
export function generateFernetKey(): string {
  return `${randomBytes(32).toString('base64url')}=`;
}

function toKey(text: string): Key {
  if (!keyShape.test(text)) throw new RangeError('A Fernet key must be 32 url-safe base64-encoded bytes');
  const bytes = Buffer.from(text, 'base64url');
  return { signing: createSecretKey(bytes.subarray(0, 16)), encryption: createSecretKey(bytes.subarray(16)) };
}
