import { OverQuota } from '../../../platform/errors/errors.ts';

/** What compute limits, and how much of it a project has unless somebody says otherwise; -1: as much as there is. */
export const quotaDefaults = {
  instances: 10,
  cores: 20,
  ram: 51_200,
  metadata_items: 128,
  injected_files: 5,
  injected_file_content_bytes: 10_240,
  injected_file_path_bytes: 255,
  key_pairs: 100,
  server_groups: 10,
  server_group_members: 10,
} as const;

export type QuotaResource = keyof typeof quotaDefaults;
export type QuotaLimits = Record<QuotaResource, number>;
/** What servers take; `ram` in MiB. */
export type ServerQuota = Record<'instances' | 'cores' | 'ram', number>;

export const quotaResources = Object.keys(quotaDefaults) as QuotaResource[];

/**
 * Compares what is asked for with what is left.
 *
 * @param limits -1: no limit
 * @throws OverQuota 403 naming all that is exceeded, in nova's words
 */
export function assertWithinQuota(wanted: ServerQuota, used: ServerQuota, limits: QuotaLimits): void {
  const over = (['cores', 'instances', 'ram'] as const).filter(
    (each) => wanted[each] > 0 && limits[each] >= 0 && used[each] + wanted[each] > limits[each],
  );
  if (over.length === 0) return;
  const list = (values: (name: (typeof over)[number]) => number) => over.map(values).join(', ');
  throw new OverQuota(
    403,
    `Quota exceeded for ${over.join(', ')}: Requested ${list((name) => wanted[name])}, ` +
      `but already used ${list((name) => used[name])} of ${list((name) => limits[name])} ${over.join(', ')}`,
  );
}
