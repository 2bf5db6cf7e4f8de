import { randomBytes } from 'node:crypto';

/** One or two ids: the token's own, and that of the first token of its chain when it was made from another. */
export type AuditIds = readonly [own: string, chain?: string];

const shape = /^[A-Za-z0-9_-]{22}$/;

/** 16 random bytes as 22 characters of unpadded base64url: all that a log may show of a token. */
export function createAuditId(): string {
  return randomBytes(16).toString('base64url');
}

/**
 * Ids for a new token. A token made from another keeps the *first* one's id as its second, so that revoking
 * a chain reaches every token that was ever derived in it.
 * @param parent audit ids of the token that was used to authenticate, if any
 */
export function createAuditIds(parent?: AuditIds): AuditIds {
  const chain = parent?.at(-1);
  return chain === undefined ? [createAuditId()] : [createAuditId(), chain];
}

/** @throws RangeError when the text is not an audit id */
export function auditIdToBytes(id: string): Buffer {
  if (!shape.test(id)) throw new RangeError('Invalid audit id');
  return Buffer.from(id, 'base64url');
}

export function auditIdFromBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
