import { chmod, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../../../platform/exec/run.ts';

/** The key by which this cloud vouches for its users, with its certificate; both PEM. */
export interface SamlKeys {
  key: string;
  certificate: string;
}

/**
 * Reads the key and its certificate. Where none are named they are made once: `saml/key.pem` and
 * `saml/certificate.pem` in the state directory, good for ten years.
 */
export async function samlKeys(options: {
  stateDir: string;
  keyfile: string;
  certfile: string;
}): Promise<SamlKeys> {
  const { stateDir, keyfile, certfile } = options;
  if (keyfile && certfile) return read(keyfile, certfile);
  const directory = join(stateDir, 'saml');
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  try {
    return await read(key, certificate);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const [newKey, newCertificate] = [`${key}.${process.pid}`, `${certificate}.${process.pid}`];
  const request = ['req', '-x509', '-newkey', 'rsa:3072', '-sha256', '-nodes', '-days', '3650'];
  await run([
    'openssl',
    ...request,
    '-subj',
    '/CN=cumulet identity',
    '-keyout',
    newKey,
    '-out',
    newCertificate,
  ]);
  await chmod(newKey, 0o600);
  await rename(newCertificate, certificate);
  await rename(newKey, key);
  return read(key, certificate);
}

const read = async (key: string, certificate: string): Promise<SamlKeys> => ({
  key: await readFile(key, 'utf8'),
  certificate: await readFile(certificate, 'utf8'),
});
