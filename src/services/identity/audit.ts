import { randomUUID } from 'node:crypto';
import { contextIfAny } from '../../platform/context/context.ts';
import { type AuditNotification, auditEvent } from './contract.ts';
import type { FederatedTry } from './federation/login.ts';
import { type CadfReason, type CadfResource, cadfEvent, cadfType, type Outcome } from './model/cadf.ts';
import type { Directory } from './store/directory.ts';
import type { PasswordTry } from './tokens/password.ts';

/** A write, as it is told. */
export interface Write {
  /** The API's word, with the extension's where upstream has it: `user`, `OS-TRUST:trust`. */
  resource: string;
  operation: 'created' | 'updated' | 'deleted';
  id: string;
  outcome?: Outcome;
  reason?: CadfReason;
  /** Who was added to it or removed from it. */
  actor?: { id: string; type: string; operation: 'added' | 'removed' };
}

/** A role given or taken, whether it came to that or not. */
export interface RoleChange {
  operation: 'created' | 'deleted';
  outcome: Outcome;
  /** `project`, `domain` or `system`; `user` or `group`; `role`; `inherited_to_projects`. */
  parts: Readonly<Record<string, unknown>>;
}

export interface AuditOptions {
  notify(event: string, payload: object): void;
  onError(error: unknown): void;
  directory: Directory;
  host: string;
  settings: { notification_format: 'cadf' | 'basic'; notification_opt_out: readonly string[] };
}

/** Tells on the bus who did what, as keystone does (keystone/notifications.py). */
export class Audit {
  readonly #options: AuditOptions;
  readonly #optedOut: ReadonlySet<string>;

  constructor(options: AuditOptions) {
    this.#options = options;
    this.#optedOut = new Set(options.settings.notification_opt_out);
  }

  /** Tells of a write that is done. */
  wrote({ resource, operation, id, outcome = 'success', reason, actor }: Write): void {
    const type = `identity.${resource}.${operation}`;
    if (this.#optedOut.has(type)) return;
    if (this.#options.settings.notification_format === 'basic') {
      if (outcome !== 'success') return;
      const context = contextIfAny();
      this.#send(type, {
        resource_info: id,
        ...(actor ? { actor_id: actor.id, actor_type: actor.type, actor_operation: actor.operation } : {}),
        ...(context ? { request_id: context.requestId } : {}),
        ...(context?.globalRequestId ? { global_request_id: context.globalRequestId } : {}),
      });
      return;
    }
    this.#tell(type, {
      action: `${operation}.${resource}`,
      outcome,
      target: { typeURI: cadfType(resource), id },
      ...(reason ? { reason } : {}),
      more: { resource_info: id },
    });
  }

  /** Tells of a role that was given or taken: as CADF whatever the format, as upstream. */
  assigned({ operation, outcome, parts }: RoleChange): void {
    const type = `identity.role_assignment.${operation}`;
    if (this.#optedOut.has(type)) return;
    this.#tell(type, { action: `${operation}.role_assignment`, outcome, target: {}, more: parts });
  }

  /** Tells of a password that was tried: as CADF whatever the format, as upstream. */
  authenticated({ outcome, user, named, reason }: PasswordTry): void {
    if (this.#optedOut.has(`identity.authenticate.${outcome}`)) return;
    const initiator = user
      ? { id: user.id, user_id: user.id, name: user.name, username: user.name }
      : {
          ...(named.id === undefined ? {} : { user_id: named.id }),
          ...(named.name === undefined ? {} : { user_name: named.name }),
          ...(named.domain?.id === undefined ? {} : { domain_id: named.domain.id }),
          ...(named.domain?.name === undefined ? {} : { domain_name: named.domain.name }),
        };
    this.#tell('identity.authenticate', {
      action: 'authenticate',
      outcome,
      target: {},
      ...(reason ? { reason } : {}),
      initiator,
    });
  }

  /** Tells of a login that an identity provider stands behind, in CADF's words for its kind of credential. */
  federated({ outcome, identityProviderId, protocolId, userId, groupIds, auditId }: FederatedTry): void {
    if (this.#optedOut.has(`identity.authenticate.${outcome}`)) return;
    const credential = {
      type: 'http://docs.oasis-open.org/security/saml/v2.0',
      token: masked(auditId ?? 'unknown'),
      identity_provider: identityProviderId,
      user: userId ?? 'unknown',
      groups: groupIds,
      // Upstream leaves it out.
      protocol: protocolId,
    };
    this.#tell('identity.authenticate', {
      action: 'authenticate',
      outcome,
      target: {},
      initiator: { credential },
    });
  }

  #tell(
    type: string,
    about: Omit<Parameters<typeof cadfEvent>[0], 'observerId' | 'initiator'> & Asked,
  ): void {
    const initiator = { ...whoAsks(), ...about.initiator };
    this.#observerId()
      .then((observerId) => this.#send(type, cadfEvent({ ...about, observerId, initiator })))
      .catch((error: unknown) => this.#options.onError(error));
  }

  async #observerId(): Promise<string | undefined> {
    const { services } = await this.#options.directory.shared();
    return services.find((each) => each.type === 'identity')?.id;
  }

  #send(type: string, payload: object): void {
    const notification: AuditNotification = {
      message_id: randomUUID(),
      publisher_id: `identity.${this.#options.host}`,
      event_type: type,
      priority: 'INFO',
      timestamp: new Date().toISOString().replace('T', ' ').replace('Z', '000'),
      payload: payload as Record<string, unknown>,
    };
    this.#options.notify(auditEvent(type), notification);
  }
}

/** An eighth of a text at each end, as pycadf shows what names a credential. */
function masked(text: string): string {
  const shown = Math.min(32, Math.round(text.length / 8));
  return `${text.slice(0, shown)} xxxxxxxx ${text.slice(text.length - shown)}`;
}

interface Asked {
  initiator?: Partial<CadfResource>;
}

/** Who asks, from where, in the request that is being answered. */
function whoAsks(): Partial<CadfResource> {
  const context = contextIfAny();
  if (!context) return {};
  const { credentials, client } = context;
  return {
    ...(client ? { host: { address: client.address, agent: client.agent ?? null } } : {}),
    ...(credentials
      ? {
          id: credentials.userId,
          user_id: credentials.userId,
          ...(credentials.projectId ? { project_id: credentials.projectId } : {}),
          ...(credentials.domainId ? { domain_id: credentials.domainId } : {}),
          ...(credentials.userName ? { name: credentials.userName, username: credentials.userName } : {}),
        }
      : {}),
    request_id: context.requestId,
    ...(context.globalRequestId ? { global_request_id: context.globalRequestId } : {}),
  };
}
