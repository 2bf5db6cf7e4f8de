/**
 * On what a token stands where it is not the user's own word alone. It bounds what the token is good for, for as long
 * as the token is: each use asks whether what it stands on is still there.
 */
export type Authority =
  | { kind: 'trust'; trustId: string }
  | { kind: 'application-credential'; applicationCredentialId: string }
  | { kind: 'oauth1'; accessTokenId: string }
  | {
      kind: 'federation';
      groupIds: readonly string[];
      identityProviderId: string;
      protocolId: string;
    };

/** Equal for equal authorities; a key for maps. */
export function authorityKey(authority: Authority): string {
  switch (authority.kind) {
    case 'trust':
      return `trust ${authority.trustId}`;
    case 'application-credential':
      return `application-credential ${authority.applicationCredentialId}`;
    case 'oauth1':
      return `oauth1 ${authority.accessTokenId}`;
    case 'federation':
      return JSON.stringify([authority.identityProviderId, authority.protocolId, ...authority.groupIds]);
  }
}
