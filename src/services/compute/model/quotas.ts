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
  // What networking limits: shown before 2.36, and never counted here.
  fixed_ips: -1,
  floating_ips: -1,
  security_groups: -1,
  security_group_rules: -1,
} as const;

const networkQuotas = ['fixed_ips', 'floating_ips', 'security_groups', 'security_group_rules'] as const;
const injectionQuotas = [
  'injected_files',
  'injected_file_content_bytes',
  'injected_file_path_bytes',
] as const;

export type QuotaResource = keyof typeof quotaDefaults;
export type QuotaLimits = Record<QuotaResource, number>;
/** What servers take; `ram` in MiB. */
export type ServerQuota = Record<'instances' | 'cores' | 'ram', number>;

/** The quotas that an API shows which has left behind what networking limits, or the injection of files. */
export function quotaResources({
  network,
  injection,
}: {
  network: boolean;
  injection: boolean;
}): QuotaResource[] {
  const hidden: readonly string[] = [
    ...(network ? [] : networkQuotas),
    ...(injection ? [] : injectionQuotas),
  ];
  return (Object.keys(quotaDefaults) as QuotaResource[]).filter((each) => !hidden.includes(each));
}

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
