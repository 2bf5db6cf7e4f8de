import { sameSecret } from '../../../platform/auth/same-secret.ts';
import type { Directory } from '../store/directory.ts';
import type { ProofRequest } from './methods/method.ts';

interface ExternalSettings {
  readonly external_secret: string;
  readonly external_user_header: string;
  readonly external_domain_header: string;
}

/**
 * Whom a web server in front has authenticated, by certificate or Kerberos: what `REMOTE_USER` and `REMOTE_DOMAIN` are
 * to keystone come as headers here, and count only beside a secret that nobody but that server knows.
 *
 * @returns a function that answers the user's id; undefined where the request is not from there, or means nobody
 */
export function externalUser(
  directory: Directory,
  settings: ExternalSettings,
): (request: Pick<ProofRequest, 'headers'>) => Promise<string | undefined> {
  const { external_secret: secret, external_user_header, external_domain_header } = settings;
  return async ({ headers }) => {
    const given = headers['x-external-secret'];
    if (secret === '' || typeof given !== 'string' || !sameSecret(given, secret)) return undefined;
    const name = headers[external_user_header.toLowerCase()];
    if (typeof name !== 'string' || name === '') return undefined;
    const domainName = headers[external_domain_header.toLowerCase()];
    const domain =
      typeof domainName === 'string' && domainName !== ''
        ? await directory.domainByName(domainName)
        : await directory.domain('default');
    return domain && (await directory.userByName(name, domain.id))?.id;
  };
}
