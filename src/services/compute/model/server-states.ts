/** What a server is, between actions. Source: nova/compute/vm_states.py. */
export type VmState =
  | 'active'
  | 'building'
  | 'paused'
  | 'suspended'
  | 'stopped'
  | 'rescued'
  | 'resized'
  | 'soft-delete'
  | 'deleted'
  | 'error'
  | 'shelved'
  | 'shelved_offloaded';

/** Numbers that clients know: nova/compute/power_state.py. */
export const powerStates = {
  unknown: 0,
  running: 1,
  paused: 3,
  shutdown: 4,
  crashed: 6,
  suspended: 7,
} as const;

/** The number of a driver's word for it. */
export const powerStateOf = (word: string): number =>
  (powerStates as Record<string, number>)[word] ?? powerStates.unknown;

const rebuilding = {
  rebuilding: 'REBUILD',
  rebuild_block_device_mapping: 'REBUILD',
  rebuild_spawning: 'REBUILD',
};
const resizing = {
  resize_prep: 'RESIZE',
  resize_migrating: 'RESIZE',
  resize_migrated: 'RESIZE',
  resize_finish: 'RESIZE',
};

/** The status that the API shows: by vm_state, and by task_state where that says more. Source: `_STATE_MAP` of nova. */
const statuses: Record<VmState, { default: string; tasks?: Record<string, string> }> = {
  active: {
    default: 'ACTIVE',
    tasks: {
      rebooting: 'REBOOT',
      reboot_pending: 'REBOOT',
      reboot_started: 'REBOOT',
      rebooting_hard: 'HARD_REBOOT',
      reboot_pending_hard: 'HARD_REBOOT',
      reboot_started_hard: 'HARD_REBOOT',
      updating_password: 'PASSWORD',
      migrating: 'MIGRATING',
      ...rebuilding,
      ...resizing,
    },
  },
  building: { default: 'BUILD' },
  stopped: { default: 'SHUTOFF', tasks: { ...resizing, ...rebuilding } },
  resized: { default: 'VERIFY_RESIZE', tasks: { resize_reverting: 'REVERT_RESIZE' } },
  paused: { default: 'PAUSED', tasks: { migrating: 'MIGRATING' } },
  suspended: { default: 'SUSPENDED' },
  rescued: { default: 'RESCUE' },
  error: { default: 'ERROR', tasks: rebuilding },
  deleted: { default: 'DELETED' },
  'soft-delete': { default: 'SOFT_DELETED' },
  shelved: { default: 'SHELVED' },
  shelved_offloaded: { default: 'SHELVED_OFFLOADED' },
};

/** `ACTIVE`, `BUILD`, …; `UNKNOWN` for states that are not ours. */
export function statusOf(vmState: string, taskState: string | null): string {
  const found = statuses[vmState as VmState];
  if (!found) return 'UNKNOWN';
  return (taskState !== null && found.tasks?.[taskState]) || found.default;
}

/** Rows that a status stands for: of one vm_state, whose task_state is one of these, or is none of those. */
export interface StatesOfStatus {
  vmState: VmState;
  tasks: string[];
  /** Whether the tasks are those that it may have, or those that it may not. */
  among: boolean;
}

/** The inverse of `statusOf`: empty for a status that there is not. */
export function statesOf(status: string): StatesOfStatus[] {
  const wanted = status.toUpperCase();
  return Object.entries(statuses).flatMap(([vmState, { default: preset, tasks = {} }]): StatesOfStatus[] => {
    if (preset === wanted) return [{ vmState: vmState as VmState, tasks: Object.keys(tasks), among: false }];
    const matching = Object.keys(tasks).filter((task) => tasks[task] === wanted);
    return matching.length > 0 ? [{ vmState: vmState as VmState, tasks: matching, among: true }] : [];
  });
}

/** Statuses in which the API shows `progress`. */
export const hasProgress = (status: string): boolean =>
  ['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING'].includes(status);

/** Statuses in which the API shows the fault. */
export const showsFault = (status: string): boolean => status === 'ERROR' || status === 'DELETED';
