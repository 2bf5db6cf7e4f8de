import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { OpenIdLogin } from './openid.ts';

/** A login that was sent to its provider. */
export interface PendingLogin {
  /** What the provider gives back with its answer: OpenID's state, SAML's relay state. */
  name: string;
  idpId: string;
  protocolId: string;
  /** Whether a client carries the messages, and no browser with cookies. */
  carried: boolean;
  /** Where the browser goes with its token; null: nowhere, it is shown. */
  dashboard: string | null;
  requestId?: string;
  openId?: OpenIdLogin;
}

/** Seconds that somebody has to log in at his provider. */
export const loginPatience = 600;

const algorithm = 'aes-256-gcm';
const [ivBytes, tagBytes] = [12, 16];

/**
 * Gives logins to those who begin them, sealed, to bring along when they are back: so that nothing is stored for who
 * only knocks, and no other browser can end what one has begun.
 */
export class PendingLogins {
  readonly #key: () => Promise<Buffer>;

  /** @param key 32 bytes that all processes of this service share */
  constructor(key: () => Promise<Buffer>) {
    this.#key = key;
  }

  /** Text for a cookie or a relay state. */
  async seal(login: PendingLogin): Promise<string> {
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv(algorithm, await this.#key(), iv);
    const content = JSON.stringify({ ...login, endsAt: Date.now() + loginPatience * 1000 });
    const sealed = [iv, cipher.update(content, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  }

  /** The login that was sealed; undefined for what is none, was changed, or is over. */
  async open(text: string): Promise<PendingLogin | undefined> {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length <= ivBytes + tagBytes) return undefined;
    const decipher = createDecipheriv(algorithm, await this.#key(), bytes.subarray(0, ivBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAuthTag(bytes.subarray(-tagBytes));
    try {
      const content =
        decipher.update(bytes.subarray(ivBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8');
      const { endsAt, ...login } = JSON.parse(content) as PendingLogin & { endsAt: number };
      return endsAt > Date.now() ? login : undefined;
    } catch {
      return undefined;
    }
  }
}
