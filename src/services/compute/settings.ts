import type { Settings } from '../../platform/service/service.ts';
import type { Ratios } from './model/provider-report.ts';

/** Upstream's `initial_*_allocation_ratio`, unless the operator says otherwise. @throws RangeError */
export const ratiosOf = (settings: Settings): Ratios => ({
  cpu: ratio(settings, 'cpu_allocation_ratio', 4),
  ram: ratio(settings, 'ram_allocation_ratio', 1),
  disk: ratio(settings, 'disk_allocation_ratio', 1),
});

function ratio(settings: Settings, name: string, preset: number): number {
  const value = settings[name] ?? preset;
  if (typeof value === 'number' && value > 0 && value <= 10_000) return value;
  throw new RangeError(`compute: ${name} must be a number above 0`);
}

/**
 * When base images are removed from a host, by nova's names: `remove_unused_base_images`,
 * `remove_unused_original_minimum_age_seconds`, `image_cache_manager_interval` (seconds); and `image_cache_max_size`
 * (bytes, 0 for any amount), which is glance's. @throws RangeError
 */
export function baseImagePruning(settings: Settings): { every: number; unusedFor: number; most: number } {
  const enabled = settings['remove_unused_base_images'] !== false;
  return {
    every: enabled ? whole(settings, 'image_cache_manager_interval', 2400) * 1000 : 0,
    unusedFor: whole(settings, 'remove_unused_original_minimum_age_seconds', 86_400),
    most: whole(settings, 'image_cache_max_size', 0),
  };
}

function whole(settings: Settings, name: string, preset: number): number {
  const value = settings[name] ?? preset;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`compute: ${name} must be a whole number from 0 on`);
}
