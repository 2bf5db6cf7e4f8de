import { constants, createDecipheriv, privateDecrypt } from 'node:crypto';
import { childrenOf, namespaces } from './xml.ts';

const xmlenc = 'http://www.w3.org/2001/04/xmlenc#';
const xmlenc11 = 'http://www.w3.org/2009/xmlenc11#';

/**
 * What ciphers are read, by the names that XML Encryption gives them. Triple DES is not among them, nor RSA with the
 * padding of PKCS #1 1.5, which answers tell apart (xmlenc-core1, 5.4.2).
 */
const ciphers: Readonly<Record<string, { cipher: 'cbc' | 'gcm'; bits: 128 | 192 | 256 }>> = {
  [`${xmlenc}aes128-cbc`]: { cipher: 'cbc', bits: 128 },
  [`${xmlenc}aes192-cbc`]: { cipher: 'cbc', bits: 192 },
  [`${xmlenc}aes256-cbc`]: { cipher: 'cbc', bits: 256 },
  [`${xmlenc11}aes128-gcm`]: { cipher: 'gcm', bits: 128 },
  [`${xmlenc11}aes192-gcm`]: { cipher: 'gcm', bits: 192 },
  [`${xmlenc11}aes256-gcm`]: { cipher: 'gcm', bits: 256 },
};
const digests: Readonly<Record<string, string>> = {
  [`${namespaces.signature}sha1`]: 'sha1',
  [`${xmlenc}sha256`]: 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  [`${xmlenc}sha512`]: 'sha512',
};
/** How providers may encrypt, as metadata tells them. */
export const encryptionMethods: readonly string[] = [
  `${xmlenc11}aes256-gcm`,
  `${xmlenc11}aes128-gcm`,
  `${xmlenc}aes256-cbc`,
  `${xmlenc}aes128-cbc`,
  `${xmlenc}rsa-oaep-mgf1p`,
];

/** Keys of one message that are tried: it may be meant for several readers. */
const mostKeys = 4;

/**
 * What an `EncryptedAssertion` holds, as text: it is not known who wrote it.
 *
 * @param key RSA, as PEM
 * @throws Error for what cannot be read. Who is asked must not be told why: answers that differ let ciphertexts be
 *   guessed (Jager and Somorovsky, "How To Break XML Encryption")
 */
export function decrypted(encryptedAssertion: Element, key: string): string {
  const data = only(encryptedAssertion, xmlenc, 'EncryptedData');
  const algorithm = ciphers[algorithmOf(data)];
  if (!algorithm) throw new Error('the cipher is not taken');
  const sealed = cipherValue(data);
  const length = algorithm.bits / 8;
  const info = childrenOf(data, namespaces.signature, 'KeyInfo');
  const keys = [...info, encryptedAssertion].flatMap((each) => childrenOf(each, xmlenc, 'EncryptedKey'));
  for (const each of keys.slice(0, mostKeys)) {
    const contentKey = transported(each, key);
    if (contentKey?.length === length) return opened(algorithm, contentKey, sealed).toString('utf8');
  }
  throw new Error('no key is for us');
}

/** RSA-OAEP. With a digest other than its mask's, as `rsa-oaep-mgf1p` may say, node cannot read it. */
function transported(encryptedKey: Element, key: string): Buffer | undefined {
  const method = only(encryptedKey, xmlenc, 'EncryptionMethod');
  const algorithm = algorithmOf(encryptedKey);
  if (algorithm !== `${xmlenc}rsa-oaep-mgf1p` && algorithm !== `${xmlenc11}rsa-oaep`) return undefined;
  const [digest] = childrenOf(method, namespaces.signature, 'DigestMethod');
  const [mask] = childrenOf(method, xmlenc11, 'MGF');
  const oaepHash = digest ? digests[digest.getAttribute('Algorithm') ?? ''] : 'sha1';
  const maskHash = mask ? mask.getAttribute('Algorithm')?.replace(`${xmlenc11}mgf1`, '') : 'sha1';
  if (!oaepHash || oaepHash !== maskHash) return undefined;
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    return privateDecrypt({ key, padding, oaepHash }, cipherValue(encryptedKey));
  } catch {
    return undefined;
  }
}

function opened({ cipher, bits }: (typeof ciphers)[string] & object, key: Buffer, sealed: Buffer): Buffer {
  const size = cipher === 'gcm' ? 12 : 16;
  if (sealed.length < size + 16) throw new Error('too short');
  const iv = sealed.subarray(0, size);
  if (cipher === 'gcm') {
    const decipher = createDecipheriv(`aes-${bits}-gcm`, key, iv, { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(size, -16)), decipher.final()]);
  }
  // Only the last byte of XML Encryption's padding says something; the others are any.
  const decipher = createDecipheriv(`aes-${bits}-cbc`, key, iv).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(sealed.subarray(size)), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > 16) throw new Error('not padded');
  return padded.subarray(0, -padding);
}

function only(parent: Element, namespace: string, name: string): Element {
  const [found, ...more] = childrenOf(parent, namespace, name);
  if (!found || more.length > 0) throw new Error(`not one ${name}`);
  return found;
}

const algorithmOf = (encrypted: Element): string =>
  only(encrypted, xmlenc, 'EncryptionMethod').getAttribute('Algorithm') ?? '';

const cipherValue = (encrypted: Element): Buffer =>
  Buffer.from(only(only(encrypted, xmlenc, 'CipherData'), xmlenc, 'CipherValue').textContent ?? '', 'base64');
