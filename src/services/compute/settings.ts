import type { Values } from '../../platform/config/schema.ts';
import { boolean, integer, number, text } from '../../platform/config/setting.ts';
import type { Ratios } from './model/provider-report.ts';

const ratio = (description: string, preset: number) =>
  number({ description, default: preset, min: 0.01, max: 10_000 });

/** The section `compute` of the cloud's settings; names and defaults are nova's where it has them. */
export const computeSettings = {
  cpu_allocation_ratio: ratio('Virtual CPUs for each real one of a new host.', 4),
  ram_allocation_ratio: ratio('Memory of servers for the real memory of a new host.', 1),
  disk_allocation_ratio: ratio('Disks of servers for the real disk of a new host.', 1),
  resume_guests_state_on_host_boot: boolean({
    description: 'Start the servers again that ran when the host went down.',
    default: false,
  }),
  dhcp_domain: text({
    description: 'What follows the name of a server in its metadata; empty for nothing.',
    default: 'novalocal',
  }),
  enable_instance_password: boolean({
    description: 'Say a password in the answers that create, rebuild and rescue servers.',
    default: true,
  }),
  shelved_offload_time: integer({
    description: 'Seconds until a shelved server is taken off its host; 0 for at once, -1 for never.',
    default: 0,
    min: -1,
    max: 2 ** 31,
  }),
  shelved_poll_interval: integer({
    description: 'How often shelved servers are looked through for those that are due, in seconds.',
    default: 3600,
    min: 1,
    max: 2 ** 31,
  }),
  remove_unused_base_images: boolean({
    description: 'Remove base images that no server of a host uses.',
    default: true,
  }),
  remove_unused_original_minimum_age_seconds: integer({
    description: 'How long one that is not used is kept, in seconds; an hour at least.',
    default: 86_400,
    min: 0,
    max: 2 ** 31,
  }),
  image_cache_manager_interval: integer({
    description: 'How often they are looked through, in seconds; 0 for never.',
    default: 2400,
    min: 0,
    max: 2 ** 31,
  }),
  image_cache_max_size: integer({
    description:
      'The most bytes of all of them; of those that are not used the oldest go then. 0 for any amount.',
    default: 0,
    min: 0,
    max: 2 ** 53 - 1,
  }),
} as const;
export type ComputeSettings = Values<typeof computeSettings>;

/** Upstream's `initial_*_allocation_ratio`. */
export const ratiosOf = (settings: ComputeSettings): Ratios => ({
  cpu: settings.cpu_allocation_ratio,
  ram: settings.ram_allocation_ratio,
  disk: settings.disk_allocation_ratio,
});

/** When base images are removed from a host. `every`: milliseconds, 0 for never; `unusedFor`: seconds; `most`: bytes. */
export const baseImagePruning = (
  settings: ComputeSettings,
): { every: number; unusedFor: number; most: number } => ({
  every: settings.remove_unused_base_images ? settings.image_cache_manager_interval * 1000 : 0,
  unusedFor: settings.remove_unused_original_minimum_age_seconds,
  most: settings.image_cache_max_size,
});
