import { randomUUID } from 'node:crypto';

export type Outcome = 'success' | 'failure' | 'pending';

/** Somebody or something that an event is about, in CADF's words. */
export interface CadfResource {
  typeURI: string;
  id: string;
  [more: string]: unknown;
}

/** A Cloud Auditing Data Federation event as pycadf writes it (DMTF DSP0262). */
export interface CadfEvent {
  typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event';
  id: string;
  eventType: 'activity';
  /** ISO 8601 with microseconds and `+0000`. */
  eventTime: string;
  action: string;
  outcome: Outcome;
  observer: CadfResource;
  initiator: CadfResource;
  target: CadfResource;
  reason?: CadfReason;
  /** What keystone puts beside: `resource_info`, or the parts of a role assignment. */
  [more: string]: unknown;
}

/** Why it came out so: a status code and words. */
export interface CadfReason {
  reasonCode: string;
  reasonType: string;
}

const types: Record<string, string> = {
  user: 'data/security/account/user',
  group: 'data/security/group',
  project: 'data/security/project',
  domain: 'data/security/domain',
  role: 'data/security/role',
  region: 'data/security/region',
  service: 'data/security/service',
  endpoint: 'data/security/endpoint',
  policy: 'data/security/policy',
  'OS-TRUST:trust': 'data/security/trust',
  'OS-OAUTH1:consumer': 'data/security/account',
  'OS-OAUTH1:request_token': 'data/security/credential',
  'OS-OAUTH1:access_token': 'data/security/credential',
  application_credential: 'data/security/credential',
};

export const accountType = 'service/security/account/user';

/** CADF's type of a resource of this API; what keystone has no type for is `unknown`. */
export const cadfType = (resource: string): string => types[resource] ?? 'unknown';

export interface CadfRequest {
  action: string;
  outcome: Outcome;
  /** The catalog's id of identity, where it is in it. */
  observerId: string | undefined;
  initiator: Partial<CadfResource>;
  target: Partial<CadfResource>;
  reason?: CadfReason;
  more?: Readonly<Record<string, unknown>>;
}

/** @param now milliseconds since 1970 */
export function cadfEvent(request: CadfRequest, now = Date.now()): CadfEvent {
  const { action, outcome, observerId, initiator, target, reason, more } = request;
  return {
    typeURI: 'http://schemas.dmtf.org/cloud/audit/1.0/event',
    id: randomUUID(),
    eventType: 'activity',
    eventTime: new Date(now).toISOString().replace('Z', '000+0000'),
    action,
    outcome,
    observer: { typeURI: 'service/security', id: observerId ?? randomUUID() },
    initiator: { typeURI: accountType, id: randomUUID(), ...initiator },
    target: { typeURI: accountType, id: randomUUID(), ...target },
    ...(reason ? { reason } : {}),
    ...more,
  };
}
