import { BadRequest } from '../../../platform/errors/errors.ts';
import { parseBoolean } from '../../../platform/resource/list-query.ts';

/** What an extra spec's value may be; `text` is anything. */
type Value = 'text' | 'boolean' | { min?: number; max?: number } | readonly string[] | RegExp;

const integer = {};
const size = { min: 0 };
const count = { min: 1 };
const cpus = /^\^?\d+((-\d+)?(,\^?\d+(-\d+)?)?)*$/;
const group = '([a-zA-Z0-9_-]{1,64})?';

/** Source: nova/api/validation/extra_specs/; names are patterns. */
const specs: readonly (readonly [name: string, value: Value])[] = [
  ['accel:device_profile', 'text'],
  ['aggregate_instance_extra_specs:.+', 'text'],
  [
    'capabilities:(id|uuid|service_id|host|vcpus|memory_mb|local_gb|vcpus_used|memory_mb_used|local_gb_used|' +
      'hypervisor_type|hypervisor_version|hypervisor_hostname|free_ram_mb|free_disk_gb|current_workload|' +
      'running_vms|disk_available_least|host_ip|mapped|cpu_allocation_ratio|ram_allocation_ratio|' +
      'disk_allocation_ratio|total_usable_ram_mb|total_usable_disk_gb|disk_mb_used|free_disk_mb|vcpus_total|' +
      'num_instances|num_io_ops|failed_builds|aggregates|cell_uuid|updated)',
    'text',
  ],
  [
    'capabilities:(cpu_info|metrics|stats|numa_topology|supported_hv_specs|pci_device_pools|nodename|pci_stats|' +
      'supported_instances|limits|instances)(:\\w+)*',
    'text',
  ],
  ['hide_hypervisor_id', 'boolean'],
  ['group_policy', ['isolate', 'none']],
  ['hw:(cpu_realtime|hide_hypervisor_id|locked_memory|boot_menu|vif_multiqueue_enabled)', 'boolean'],
  ['hw:(mem_encryption|pmu|virtio_packed_ring|ephemeral_encryption)', 'boolean'],
  ['hw:(cpu_realtime_mask|cpu_dedicated_mask|numa_cpus\\.\\d+)', cpus],
  ['hw:cpu_policy', ['dedicated', 'shared', 'mixed']],
  ['hw:cpu_thread_policy', ['prefer', 'isolate', 'require']],
  ['hw:emulator_threads_policy', ['isolate', 'share']],
  ['hw:mem_page_size', /^(large|small|any|\d+([kKMGT]i?)?(b|bit|B)?)$/],
  ['hw:(numa_nodes|numa_mem\\.\\d+)', count],
  ['hw:pci_numa_affinity_policy', ['required', 'preferred', 'legacy', 'socket']],
  ['hw:cpu_(max_)?(sockets|cores|threads)', count],
  ['hw:mem_encryption_model', ['amd-sev', 'amd-sev-es', 'amd-sev-snp']],
  ['hw:pmem', /^([a-zA-Z0-9_]+,?)+$/],
  ['hw:serial_port_count', size],
  ['hw:tpm_model', ['tpm-tis', 'tpm-crb']],
  ['hw:tpm_version', ['1.2', '2.0']],
  ['hw:tpm_secret_security', ['user', 'host', 'deployment']],
  ['hw:watchdog_action', ['none', 'pause', 'poweroff', 'reset', 'disabled']],
  ['hw:viommu_model', ['intel', 'smmuv3', 'virtio']],
  ['hw:sound_model', ['sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio']],
  ['hw:usb_model', ['ich9-ehci1', 'nec-xhci', 'qemu-xhci']],
  ['hw:redirected_usb_ports', { min: 0, max: 15 }],
  ['hw:ephemeral_encryption_format', ['luks', 'plain']],
  ['hw:maxphysaddr_mode', ['emulate', 'passthrough']],
  ['hw:maxphysaddr_bits', size],
  ['hw_rng:allowed', 'boolean'],
  ['hw_rng:rate_(bytes|period)', size],
  ['hw_video:ram_max_mb', size],
  ['os:secure_boot', ['disabled', 'required']],
  ['pci_passthrough:alias', /^[^:]+:\d+(\s*,\s*[^:]+:\d+)*$/],
  ['quota:(cpu|memory|disk_io|vif)_(limit|shares_share)', size],
  ['quota:(cpu|memory|disk_io|vif)_reservation', integer],
  ['quota:(cpu|memory|disk_io|vif)_shares_level', ['custom', 'high', 'normal', 'low']],
  ['quota:cpu_(shares|period)', size],
  ['quota:cpu_quota', integer],
  ['quota:disk_(read|write|total)_(bytes|iops)_sec', size],
  ['quota:vif_(inbound|outbound)_(average|peak|burst)', size],
  [`resources${group}:[A-Z0-9_]+`, integer],
  [`trait${group}:[A-Z0-9_]+`, ['required', 'forbidden']],
  ['vmware:(hw_version|storage_policy)', 'text'],
];

interface Compiled {
  pattern: RegExp;
  value: Value;
}

let compiled: { specs: Compiled[]; namespaces: RegExp } | undefined;

function known() {
  compiled ??= {
    specs: specs.map(([name, value]) => ({ pattern: new RegExp(`^${name}$`), value })),
    namespaces: new RegExp(
      `^(${specs
        .map(([name]) => name.split(':')[0])
        .filter((_each, i) => specs[i]?.[0].includes(':'))
        .join('|')})$`,
    ),
  };
  return compiled;
}

/**
 * Refuses an extra spec that a namespace which is known does not have, or whose value it does not take. Names outside
 * of the known namespaces are the operator's own.
 *
 * @throws BadRequest
 */
export function assertExtraSpec(name: string, value: string): void {
  const { specs: patterns, namespaces } = known();
  const spec = patterns.find(({ pattern }) => pattern.test(name));
  if (spec) return assertValue(spec.value, value);
  const [namespace, rest] = name.split(':', 2);
  if (rest !== undefined && namespaces.test(namespace as string)) {
    throw new BadRequest(`Validation failed; extra spec '${name}' does not appear to be a valid extra spec.`);
  }
}

function assertValue(allowed: Value, value: string): void {
  const refuse = (why: string): never => {
    throw new BadRequest(`Validation failed; '${value}' ${why}.`);
  };
  if (allowed === 'text') return;
  if (allowed === 'boolean') {
    if (parseBoolean(value) === undefined) refuse('is not a valid boolean-like value');
  } else if (allowed instanceof RegExp) {
    if (!allowed.test(value)) refuse(`is not of the format '${allowed.source.slice(1, -1)}'`);
  } else if (isList(allowed)) {
    if (!allowed.includes(value)) refuse(`is not one of: ${allowed.join(', ')}`);
  } else {
    if (!/^\s*[+-]?\d+\s*$/.test(value)) refuse('is not a valid integer value');
    const { min, max } = allowed;
    if (max !== undefined && Number(value) > max) refuse(`is greater than the max value of '${max}'`);
    if (min !== undefined && Number(value) < min) refuse(`is less than the min value of '${min}'`);
  }
}

const isList = (value: Value): value is readonly string[] => Array.isArray(value);
