import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectionOptions, getCACertificates } from 'node:tls';
import type { LdapOptions } from './options.ts';

/**
 * How a server proves who it is. Without a file or folder of certificates, those that the system trusts may vouch.
 *
 * @throws Error where the files cannot be read
 */
export async function tlsOptions(options: LdapOptions): Promise<ConnectionOptions> {
  const { tls_cacertfile, tls_cacertdir, tls_req_cert } = options;
  const rejectUnauthorized = tls_req_cert === 'demand';
  if (tls_cacertfile) return { rejectUnauthorized, ca: [await readFile(tls_cacertfile, 'utf8')] };
  if (!tls_cacertdir) {
    // Node alone would take the authorities that it brings along.
    const ca = rejectUnauthorized ? getCACertificates('system') : [];
    return { rejectUnauthorized, ...(ca.length > 0 ? { ca } : {}) };
  }
  const names = (await readdir(tls_cacertdir)).filter((name) => /\.(pem|crt|cer|\d+)$/.test(name));
  const ca = await Promise.all(names.map((name) => readFile(join(tls_cacertdir, name), 'utf8')));
  return { rejectUnauthorized, ca: ca.filter((text) => text.includes('BEGIN CERTIFICATE')) };
}
