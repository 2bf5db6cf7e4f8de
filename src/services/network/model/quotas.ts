/** Resources that are counted, by the names of the quota API. */
export const quotaResources = [
  'floatingip',
  'network',
  'port',
  'rbac_policy',
  'router',
  'security_group',
  'security_group_rule',
  'subnet',
  'subnetpool',
] as const;
export type QuotaResource = (typeof quotaResources)[number];

/**
 * The limits of a project that has none of its own.
 * @param settings `quota_<resource>` by name; what has no setting of its own has `default_quota`
 */
export const defaultQuotas = (
  settings: { default_quota: number } & Readonly<Record<string, unknown>>,
): Record<QuotaResource, number> =>
  Object.fromEntries(
    quotaResources.map((resource) => [resource, settings[`quota_${resource}`] ?? settings.default_quota]),
  ) as Record<QuotaResource, number>;
