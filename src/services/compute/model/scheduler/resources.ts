interface Sizes {
  vcpus: number;
  ram: number;
  disk: number;
  ephemeral: number;
  swap: number;
  extra_specs: Record<string, string>;
}

/**
 * What a flavor takes of a host, by resource class; extra specs `resources:CLASS` replace or add.
 * Source: nova/scheduler/utils.py, `ResourceRequest`.
 */
export function resourcesAsked({
  vcpus,
  ram,
  disk,
  ephemeral,
  swap,
  extra_specs,
}: Sizes): Record<string, number> {
  const resources: Record<string, number> = {
    VCPU: vcpus,
    MEMORY_MB: ram,
    // Swap is counted in MiB and takes whole GiB.
    DISK_GB: disk + ephemeral + Math.ceil(swap / 1024),
  };
  for (const [key, value] of Object.entries(extra_specs)) {
    const [, name] = /^resources:([A-Z0-9_]+)$/.exec(key) ?? [];
    if (name && /^\d{1,9}$/.test(value)) resources[name] = Number(value);
  }
  return Object.fromEntries(Object.entries(resources).filter(([, amount]) => amount > 0));
}

/** Traits that the flavor's extra specs require or forbid: `trait:NAME` = `required` | `forbidden`. */
export function traitsAsked({ extra_specs }: Pick<Sizes, 'extra_specs'>): {
  required?: string[];
  forbidden?: string[];
} {
  const named = (wanted: string) =>
    Object.entries(extra_specs).flatMap(([key, value]) =>
      key.startsWith('trait:') && value === wanted ? [key.slice('trait:'.length)] : [],
    );
  const required = named('required');
  const forbidden = named('forbidden');
  return {
    ...(required.length > 0 ? { required } : {}),
    ...(forbidden.length > 0 ? { forbidden } : {}),
  };
}
