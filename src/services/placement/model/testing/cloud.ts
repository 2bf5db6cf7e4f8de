import { inventoryDefaults } from '../capacity.ts';
import type { ProviderRecord } from '../providers.ts';
import type { CandidateQuery, RequestGroup } from '../requests.ts';

export function group(
  suffix: string,
  resources: Record<string, number>,
  more: Partial<RequestGroup> = {},
): RequestGroup {
  return {
    suffix,
    resources: new Map(Object.entries(resources)),
    required: [],
    forbidden: new Set(),
    memberOf: [],
    notMemberOf: new Set(),
    inTree: undefined,
    ...more,
  };
}

export function query(groups: RequestGroup[], more: Partial<CandidateQuery> = {}): CandidateQuery {
  return {
    groups,
    groupPolicy: 'none',
    limit: undefined,
    rootRequired: new Set(),
    rootForbidden: new Set(),
    sameSubtrees: [],
    nested: true,
    ...more,
  };
}

export function provider(
  uuid: string,
  inventory: Record<string, number>,
  more: Partial<ProviderRecord> = {},
): ProviderRecord {
  const inventories = Object.fromEntries(
    Object.entries(inventory).map(([name, total]) => [name, { ...inventoryDefaults, total }]),
  );
  return { uuid, parentUuid: null, inventories, usages: {}, traits: [], aggregates: [], ...more };
}
