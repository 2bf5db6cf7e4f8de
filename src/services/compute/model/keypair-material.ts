import { createHash, generateKeyPair, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { BadRequest } from '../../../platform/errors/errors.ts';

/** Hex digits in pairs with colons between, as `ssh-keygen -l -E md5` and nova show a fingerprint. */
const inPairs = (hex: string): string => (hex.match(/../g) ?? []).join(':');

/**
 * The fingerprint of a public key in OpenSSH's form: MD5 over the key itself.
 *
 * @throws BadRequest for anything that is no such key
 */
export async function sshFingerprint(publicKey: string): Promise<string> {
  // Few clouds see a key in their first seconds, and the parser takes a while to load.
  const { default: sshpk } = await import('sshpk');
  const body = publicKey.split(' ')[1];
  try {
    if (!body || !/^(ssh-|ecdsa-)/.test(publicKey)) throw new Error('not in the form `type base64 comment`');
    sshpk.parseKey(publicKey, 'ssh');
  } catch (cause) {
    throw new BadRequest('Keypair data is invalid: failed to generate fingerprint', { cause });
  }
  return inPairs(createHash('md5').update(Buffer.from(body, 'base64')).digest('hex'));
}

/** The fingerprint of a certificate in PEM: SHA-1. @throws BadRequest for anything that is no certificate */
export function x509Fingerprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint.toLowerCase();
  } catch (cause) {
    throw new BadRequest('Keypair data is invalid: failed to generate X509 fingerprint.', { cause });
  }
}

const generate = promisify(generateKeyPair);

/** A new RSA key of 2048 bits: the private half in PEM, the public half in OpenSSH's form. */
export async function generateSshKey(): Promise<{ privateKey: string; publicKey: string }> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const { default: sshpk } = await import('sshpk');
  const key = sshpk.parsePrivateKey(pem, 'pem').toPublic();
  key.comment = 'Generated-by-Cumulet';
  return { privateKey: pem, publicKey: key.toString('ssh') };
}

/** How long a generated certificate holds, in seconds: ten years, as nova's. */
const certificateLifetime = 3650 * 86_400;

/**
 * A new key with a certificate for its user, for logging in to Windows guests. Both are PEM: nova wraps the private
 * half in PKCS #12, which can be made of this with `openssl pkcs12`.
 */
export async function generateCertificate(
  userId: string,
): Promise<{ privateKey: string; publicKey: string }> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const { default: sshpk } = await import('sshpk');
  const key = sshpk.parsePrivateKey(pem, 'pem');
  const certificate = sshpk.createSelfSignedCertificate(sshpk.identityFromDN(`CN=${userId}`), key, {
    lifetime: certificateLifetime,
  });
  return { privateKey: pem, publicKey: certificate.toString('pem') };
}
