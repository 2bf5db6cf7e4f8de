import { type AuditIds, auditIdFromBytes, auditIdToBytes } from './audit-ids.ts';
import { defaultAuthMethods, integerToMethods, methodsToInteger } from './auth-methods.ts';
import { Float, type Packable, pack, unpackValue } from './msgpack.ts';
import { fromSeconds, type Micros, toSeconds } from './timestamps.ts';

interface Common {
  userId: string;
  methods: readonly string[];
  expiresAt: Micros;
  auditIds: AuditIds;
}
interface Federation {
  groupIds: readonly string[];
  identityProviderId: string;
  protocolId: string;
}

/**
 * What a token says, one shape for each payload version of keystone's `token_formatters.py`
 * (when it was issued stands in the Fernet envelope, not here).
 */
export type TokenPayload = Common &
  (
    | { kind: 'unscoped' }
    | { kind: 'domain'; domainId: string }
    | { kind: 'project'; projectId: string }
    | { kind: 'trust'; projectId: string; trustId: string }
    | ({ kind: 'federated-unscoped' } & Federation)
    | ({ kind: 'federated-project'; projectId: string } & Federation)
    | ({ kind: 'federated-domain'; domainId: string } & Federation)
    | { kind: 'oauth1'; projectId: string; accessTokenId: string }
    | { kind: 'system'; system: string }
    | { kind: 'application-credential'; projectId: string; applicationCredentialId: string }
    | { kind: 'oauth2-mtls'; projectId: string | null; domainId: string | null; thumbprint: string }
  );

export type TokenKind = TokenPayload['kind'];

/** A payload that authenticated but is not one that we know how to read. */
export class UnreadableTokenPayload extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableTokenPayload';
  }
}

/** The place in this list is the version number in the token. */
export const tokenKinds: readonly TokenKind[] = [
  'unscoped',
  'domain',
  'project',
  'trust',
  'federated-unscoped',
  'federated-project',
  'federated-domain',
  'oauth1',
  'system',
  'application-credential',
  'oauth2-mtls',
];

/**
 * Packs a payload exactly as keystone does: ids that are UUIDs as 16 bytes, methods as a bit mask, the end as a
 * double. A keystone with the same keys and the same `[auth] methods` reads the result, and we read its tokens.
 *
 * @param methods the configured methods, in order
 * @throws RangeError for a malformed audit id, or a trust id that is not a UUID
 */
export function packTokenPayload(payload: TokenPayload, methods = defaultAuthMethods): Buffer {
  const user = packId(payload.userId);
  const bits = methodsToInteger(payload.methods, methods);
  const expires = new Float(toSeconds(payload.expiresAt));
  const audit = payload.auditIds.map((id) => auditIdToBytes(id as string));
  const fields = ((): Packable[] => {
    switch (payload.kind) {
      case 'unscoped':
        return [user, bits, expires, audit];
      case 'domain':
        // The default domain's id is a word, not a UUID; here alone no flag says which of them it is.
        return [user, bits, uuidBytes(payload.domainId) ?? payload.domainId, expires, audit];
      case 'project':
        return [user, bits, packId(payload.projectId), expires, audit];
      case 'trust':
        return [user, bits, packId(payload.projectId), expires, audit, requiredUuid(payload.trustId)];
      case 'federated-unscoped':
        return [user, bits, ...packFederation(payload), expires, audit];
      case 'federated-project':
        return [user, bits, packId(payload.projectId), ...packFederation(payload), expires, audit];
      case 'federated-domain':
        return [user, bits, packId(payload.domainId), ...packFederation(payload), expires, audit];
      case 'oauth1':
        return [user, bits, packId(payload.projectId), packId(payload.accessTokenId), expires, audit];
      case 'system':
        return [user, bits, payload.system, expires, audit];
      case 'application-credential': {
        const credential = packId(payload.applicationCredentialId);
        return [user, bits, packId(payload.projectId), expires, audit, credential];
      }
      case 'oauth2-mtls': {
        const scope = [packId(payload.projectId), packId(payload.domainId)];
        return [user, bits, ...scope, expires, audit, [false, payload.thumbprint]];
      }
    }
  })();
  return pack([tokenKinds.indexOf(payload.kind), ...fields]);
}

/** @throws UnreadableTokenPayload */
export function unpackTokenPayload(bytes: Uint8Array, methods = defaultAuthMethods): TokenPayload {
  const [version, user, bits, ...rest] = unpackArray(bytes);
  const kind = typeof version === 'number' ? tokenKinds[version] : undefined;
  if (!kind) {
    throw new UnreadableTokenPayload(`This is not a recognized Fernet payload version: ${String(version)}`);
  }
  const who = { userId: unpackId(user), methods: integerToMethods(asNumber(bits), methods) };
  const common = (expires: unknown, audit: unknown): Common => ({
    ...who,
    expiresAt: fromSeconds(asNumber(expires)),
    auditIds: unpackAuditIds(audit),
  });
  switch (kind) {
    case 'unscoped':
      return { kind, ...common(rest[0], rest[1]) };
    case 'domain':
      return { kind, ...common(rest[1], rest[2]), domainId: unpackBareId(rest[0]) };
    case 'project':
      return { kind, ...common(rest[1], rest[2]), projectId: unpackId(rest[0]) };
    case 'trust': {
      const ids = { projectId: unpackId(rest[0]), trustId: unpackBareId(rest[3]) };
      return { kind, ...common(rest[1], rest[2]), ...ids };
    }
    case 'federated-unscoped':
      return { kind, ...common(rest[3], rest[4]), ...unpackFederation(rest) };
    case 'federated-project':
      return {
        kind,
        ...common(rest[4], rest[5]),
        projectId: unpackId(rest[0]),
        ...unpackFederation(rest.slice(1)),
      };
    case 'federated-domain':
      return {
        kind,
        ...common(rest[4], rest[5]),
        domainId: unpackId(rest[0]),
        ...unpackFederation(rest.slice(1)),
      };
    case 'oauth1':
      return {
        kind,
        ...common(rest[2], rest[3]),
        projectId: unpackId(rest[0]),
        accessTokenId: unpackId(rest[1]),
      };
    case 'system':
      return { kind, ...common(rest[1], rest[2]), system: asText(rest[0]) };
    case 'application-credential': {
      const ids = { projectId: unpackId(rest[0]), applicationCredentialId: unpackId(rest[3]) };
      return { kind, ...common(rest[1], rest[2]), ...ids };
    }
    case 'oauth2-mtls': {
      const scope = { projectId: unpackNullableId(rest[0]), domainId: unpackNullableId(rest[1]) };
      return { kind, ...common(rest[2], rest[3]), ...scope, thumbprint: unpackId(rest[4]) };
    }
  }
}

const hexId = /^[0-9a-f]{32}$/;

/**
 * Only the plain lower-case form is shortened. Upstream shortens every spelling of a UUID, and then gives back
 * another text than went in; kept as text it survives, and upstream reads it all the same.
 */
function uuidBytes(id: string): Buffer | undefined {
  return hexId.test(id) ? Buffer.from(id, 'hex') : undefined;
}

function packId(id: string | null): Packable {
  if (id === null) return [false, null];
  const bytes = uuidBytes(id);
  return bytes ? [true, bytes] : [false, id];
}

function requiredUuid(id: string): Buffer {
  const bytes = uuidBytes(id);
  if (!bytes) throw new RangeError('A trust id must be a UUID');
  return bytes;
}

function packFederation(payload: Federation): Packable[] {
  return [payload.groupIds.map(packId), packId(payload.identityProviderId), payload.protocolId];
}

function unpackFederation([groups, provider, protocol]: readonly unknown[]): Federation {
  return {
    groupIds: asArray(groups).map(unpackId),
    identityProviderId: unpackId(provider),
    protocolId: asText(protocol),
  };
}

function unpackArray(bytes: Uint8Array): readonly unknown[] {
  try {
    return asArray(unpackValue(bytes));
  } catch (cause) {
    throw cause instanceof UnreadableTokenPayload ? cause : malformed();
  }
}

function unpackNullableId(value: unknown): string | null {
  return asArray(value)[1] === null ? null : unpackId(value);
}

function unpackId(value: unknown): string {
  const [isUuid, id] = asArray(value);
  return isUuid ? unpackBareId(id) : asText(id);
}

function unpackBareId(value: unknown): string {
  return value instanceof Uint8Array && value.length === 16
    ? Buffer.from(value).toString('hex')
    : asText(value);
}

function unpackAuditIds(value: unknown): AuditIds {
  const [own, chain] = asArray(value).map((id) => {
    if (!(id instanceof Uint8Array)) throw malformed();
    return auditIdFromBytes(id);
  });
  if (own === undefined) throw malformed();
  return chain === undefined ? [own] : [own, chain];
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed();
  return value;
}

function asNumber(value: unknown): number {
  if (typeof value !== 'number') throw malformed();
  return value;
}

/** Old writers stored text as bytes. */
function asText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'string') throw malformed();
  return value;
}

function malformed(): UnreadableTokenPayload {
  return new UnreadableTokenPayload('The token payload is malformed');
}
