import type { Credentials } from '../../platform/auth/credentials.ts';
import { contract } from '../../platform/bus/contract.ts';

/** What other services may ask of identity. */
export interface IdentityService {
  /** Who a token speaks for; `null` for a token that is not valid now. */
  validateToken(args: { token: string }): Promise<Credentials | null>;
  /** A project as quotas and owners need it; `null` where there is none. */
  project(args: { id: string }): Promise<ProjectRecord | null>;
  /** How much of a service's resources a project may use (unified limits). */
  limits(args: LimitsRequest): Promise<LimitsAnswer>;
}

/** Asks for the limits of a project on resources of one service, by the names that they are registered with. */
export type LimitsRequest = ({ serviceId: string } | { serviceType: string }) & {
  projectId: string;
  /** Of the endpoint that asks; what is registered for all regions holds where the region has nothing of its own. */
  region?: string;
  names: readonly string[];
};

export interface LimitsAnswer {
  model: 'flat' | 'strict_two_level';
  /** By name; `null` where nobody registered the resource: oslo.limit then allows none of it. */
  limits: Record<string, ProjectLimit | null>;
}

export interface ProjectLimit {
  /** What the project's own use must stay within; -1 is any number. */
  limit: number;
  /** In a hierarchy: what the use of all these projects together must stay within; -1 is any number. */
  tree?: { limit: number; domainId: string; projectIds: string[] };
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
/** The notification that a domain's configuration is not what it was: `{ domainId }`. */
export const domainConfigurationChanged = 'identity.domain-configuration.changed';
/** The notification that a project is gone: `{ id }`. */
export const projectDeleted = 'identity.project.deleted';

/**
 * The bus event under which what happened is told for audit, where upstream calls it `type`
 * (`identity.user.created`): apart from the notifications above, which are for the program itself. Subscribers of all
 * of them use `audit.identity.#`.
 */
export const auditEvent = (type: string): string => `audit.${type}`;

/** What such an event carries: a notification as oslo.messaging has it. */
export interface AuditNotification {
  message_id: string;
  publisher_id: string;
  event_type: string;
  priority: 'INFO';
  /** `2026-01-31 12:34:56.123000` in UTC. */
  timestamp: string;
  /** A CADF event, or with `notification_format: basic` what was written: `{ resource_info: <id> }`. */
  payload: Record<string, unknown>;
}

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
