import { Unauthorized } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import type { Condition } from '../../../platform/resource/rows.ts';
import type { Identity } from '../identity.ts';

/**
 * Which domain's users or groups a list shows: that of a token for a domain; else, where domains have backends of
 * their own, the one that is asked for or that of the token's project. As upstream, no list is of all backends.
 */
export function listedDomain(identity: Identity, call: Call): Condition[] {
  const { domainId, projectDomainId, system } = call.credentials;
  const only = (value: string): Condition[] => [{ column: 'domain_id', op: 'eq', value }];
  if (domainId) return only(domainId);
  if (!identity.settings.domain_specific_drivers_enabled || call.queryValue('domain_id')) return [];
  if (projectDomainId) return only(projectDomainId);
  if (system) return [];
  throw new Unauthorized('No domain information specified as part of list request');
}

/** What a token for a domain sees of memberships, which may reach into other domains: those of its own. */
export function inOwnDomain<Row extends { domain_id: string }>(call: Call, rows: Row[]): Row[] {
  const { domainId } = call.credentials;
  return domainId ? rows.filter((row) => row.domain_id === domainId) : rows;
}
