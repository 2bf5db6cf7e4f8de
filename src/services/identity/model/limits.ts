/** How limits of projects and of their domains stand to each other (keystone's `[unified_limit] enforcement_model`). */
export const enforcementModels = {
  flat: {
    name: 'flat',
    description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
    /** Levels of domain and projects at most. */
    deepest: undefined,
  },
  strict_two_level: {
    name: 'strict_two_level',
    description: 'This model requires project hierarchy never exceeds a depth of two',
    deepest: 2,
  },
} as const;
export type EnforcementModel = keyof typeof enforcementModels;

/** A limit that is none. */
export const unlimited = -1;

/** Whether one limit allows more than another. */
export const exceeds = (one: number, other: number): boolean =>
  other !== unlimited && (one === unlimited || one > other);

export interface RegisteredLimit {
  id: string;
  region_id: string | null;
  resource_name: string;
  default_limit: number;
}
export interface OwnLimit {
  registered_limit_id: string;
  project_id: string | null;
  domain_id: string | null;
  resource_limit: number;
}

/** How much of a resource a project may use. */
export interface EffectiveLimit {
  /** -1: any number. */
  limit: number;
  /** In a hierarchy: how much all projects of the domain may use together. */
  tree?: { limit: number; domainId: string };
}

/**
 * The limits of a project by the names of resources. What is registered for the region goes before what is registered
 * for all regions; a project's own limit goes before the default (oslo.limit's enforcer). A resource that nobody
 * registered has no entry.
 * @param rows of one service; `own` those of the project and of its domain
 */
export function effectiveLimits(
  rows: { registered: readonly RegisteredLimit[]; own: readonly OwnLimit[] },
  subject: { projectId: string; domainId: string; region?: string; model: EnforcementModel },
): Map<string, EffectiveLimit> {
  const { projectId, domainId, region, model } = subject;
  const chosen = new Map<string, RegisteredLimit>();
  for (const each of rows.registered) {
    const fits = each.region_id === null || region === undefined || each.region_id === region;
    if (!fits) continue;
    const before = chosen.get(each.resource_name);
    // With a region its own comes first; without one, what holds for all.
    const better = region === undefined ? each.region_id === null : each.region_id === region;
    if (!before || better) chosen.set(each.resource_name, each);
  }
  const found = new Map<string, EffectiveLimit>();
  for (const { id, resource_name, default_limit } of chosen.values()) {
    const own = rows.own.filter((each) => each.registered_limit_id === id);
    const ofDomain = own.find((each) => each.domain_id === domainId)?.resource_limit;
    const ofProject =
      projectId === domainId ? ofDomain : own.find((each) => each.project_id === projectId)?.resource_limit;
    found.set(resource_name, {
      limit: ofProject ?? default_limit,
      ...(model === 'strict_two_level' ? { tree: { limit: ofDomain ?? default_limit, domainId } } : {}),
    });
  }
  return found;
}
