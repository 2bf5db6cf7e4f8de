import { Unauthorized } from '../../../platform/errors/errors.ts';
import type { Authority } from '../model/authority.ts';
import { nowMicros, parseIsoTime } from '../model/timestamps.ts';
import type { Grounds } from '../model/token-grounds.ts';
import type { Credential } from '../store/credentials.ts';
import type { Trusts } from '../store/trusts.ts';
import type { Tokens, ValidToken } from './tokens.ts';

interface Parts {
  tokens: Tokens;
  trusts: Trusts;
}

/** What a key pair was made for: its user and project, and what bounds it. */
export interface KeyPair {
  credential: Credential;
  secret: string;
  trustId?: string;
  applicationCredentialId?: string;
  accessTokenId?: string;
}

/** A key pair out of what identity keeps. @throws Unauthorized for a credential that is none */
export function keyPairOf(credential: Credential | undefined): KeyPair {
  if (credential?.type !== 'ec2') throw new Unauthorized('EC2 access key not found.');
  const pair = JSON.parse(credential.blob) as Record<string, unknown>;
  const text = (key: string) => (typeof pair[key] === 'string' ? pair[key] : undefined);
  const [trustId, applicationCredentialId, accessTokenId] = [
    'trust_id',
    'app_cred_id',
    'access_token_id',
  ].map(text);
  return {
    credential,
    secret: text('secret') ?? '',
    ...(trustId ? { trustId } : {}),
    ...(applicationCredentialId ? { applicationCredentialId } : {}),
    ...(accessTokenId ? { accessTokenId } : {}),
  };
}

/**
 * A token for whom a key pair belongs to, once a signature by it has proved right.
 * @throws Unauthorized where the user may not have it (any more)
 */
export async function tokenOf(
  { tokens, trusts }: Parts,
  pair: KeyPair,
): Promise<{ id: string; token: ValidToken }> {
  const { user_id, project_id } = pair.credential;
  if (project_id === null) throw new Unauthorized('User not valid for project.');
  const authority = authorityOf(pair);
  const grounds: Grounds = {
    scope: { kind: 'project', projectId: project_id },
    ...(authority ? { authority } : {}),
  };
  // A pair that was made with a trust that impersonates is the trustor's; the token is given to the trustee.
  const trust = pair.trustId === undefined ? undefined : await trusts.current(pair.trustId);
  const userId = trust?.impersonation ? trust.trustee_user_id : user_id;
  const issued = await tokens.issue({ userId, methods: ['ec2credential'], ...grounds });
  if (!issued) throw new Unauthorized('User not valid for project.');
  return issued;
}

function authorityOf({ trustId, applicationCredentialId, accessTokenId }: KeyPair): Authority | undefined {
  if (trustId !== undefined) return { kind: 'trust', trustId };
  if (applicationCredentialId !== undefined)
    return { kind: 'application-credential', applicationCredentialId };
  return accessTokenId === undefined ? undefined : { kind: 'oauth1', accessTokenId };
}

/**
 * @param stamp when the request says that it was signed: ISO 8601, or AWS's short form of it
 * @param minutes for which a signature is good
 * @throws Unauthorized for one that is too old, or no time
 */
export function assertFresh(stamp: string | undefined, minutes: number): void {
  if (stamp === undefined || stamp === '') return;
  const iso = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  let signed: number;
  try {
    signed = parseIsoTime(iso);
  } catch {
    throw new Unauthorized('Credential timestamp is invalid');
  }
  if (nowMicros() > signed + minutes * 60e6) throw new Unauthorized('Credential is expired');
}
