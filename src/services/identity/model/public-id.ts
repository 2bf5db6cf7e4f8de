import { createHash } from 'node:crypto';

export type EntityType = 'user' | 'group';

/** Somebody or something of a domain by the id that its backend knows. */
export interface LocalEntity {
  domainId: string;
  localId: string;
  type: EntityType;
}

/** The id that the API shows for an entity of a backend: keystone's, so that a cloud keeps its assignments (sha256). */
export const publicIdOf = ({ domainId, localId, type }: LocalEntity): string =>
  createHash('sha256').update(domainId).update(type).update(localId).digest('hex');
