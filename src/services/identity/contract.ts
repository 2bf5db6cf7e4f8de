import type { Credentials } from '../../platform/auth/credentials.ts';
import { contract } from '../../platform/bus/contract.ts';

/** What other services may ask of identity. */
export interface IdentityService {
  /** Who a token speaks for; `null` for a token that is not valid now. */
  validateToken(args: { token: string }): Promise<Credentials | null>;
  /** A project as quotas and owners need it; `null` where there is none. */
  project(args: { id: string }): Promise<ProjectRecord | null>;
}

export interface ProjectRecord {
  id: string;
  name: string;
  domainId: string;
  parentId: string | null;
  enabled: boolean;
}

export const identityService = contract<IdentityService>('identity');

/** The notification (bus `notify`) after which no cached token may be trusted. */
export const tokensRevoked = 'identity.tokens.revoked';
/** The notification by which processes of identity that share a database tell each other to look again: `{ from }`. */
export const identityChanged = 'identity.changed';
/** The notification that a project is gone: `{ id }`. */
export const projectDeleted = 'identity.project.deleted';

/** What the program that runs the cloud asks of identity on the same host: bus address `{ host }`. */
export interface IdentityAdmin {
  /** Makes what a new cloud needs, and mends what is missing or has moved; what is there is otherwise left as it is. */
  bootstrap(args: BootstrapRequest): Promise<{ adminProjectId: string; demoProjectId: string }>;
}

export interface BootstrapRequest {
  /** Set when the user is made, and whenever it is no longer the user's. */
  adminPassword: string;
  demoPassword: string;
  region: string;
  /** The catalog: each gets a public, an internal and an admin endpoint in the region. */
  endpoints: { type: string; name: string; description: string; url: string }[];
}

export const identityAdmin = contract<IdentityAdmin>('identity-admin');
