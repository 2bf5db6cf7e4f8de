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
