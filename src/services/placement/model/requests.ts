/**
 * One group of `GET /allocation_candidates`. The one without a suffix may be spread over a tree and its sharing
 * providers, one provider for each resource class; every other (granular) group is met by a single provider.
 */
export interface RequestGroup {
  /** `''` for the group without a suffix */
  suffix: string;
  /** amounts by resource class; may be empty in granular groups that a same_subtree names */
  resources: ReadonlyMap<string, number>;
  /** every set must be met, by any one of its traits */
  required: readonly ReadonlySet<string>[];
  forbidden: ReadonlySet<string>;
  /** every set must be met, by any one of its aggregates */
  memberOf: readonly ReadonlySet<string>[];
  notMemberOf: ReadonlySet<string>;
  /** any provider of the tree that the group must come from */
  inTree: string | undefined;
}

export interface CandidateQuery {
  groups: readonly RequestGroup[];
  /** `isolate`: no two granular groups from the same provider */
  groupPolicy: 'none' | 'isolate' | undefined;
  /** at most so many candidates */
  limit: number | undefined;
  /** traits that the root of the (not sharing) tree must have, and must not have */
  rootRequired: ReadonlySet<string>;
  rootForbidden: ReadonlySet<string>;
  /** in each set, one of the providers that meet these groups is an ancestor of all the others, or is them */
  sameSubtrees: readonly ReadonlySet<string>[];
  /** false below microversion 1.29: no candidate uses two providers of the same tree */
  nested: boolean;
}
