import { Conflict } from '../../../platform/errors/errors.ts';
import type { VmState } from './server-states.ts';

/** What an action asks of the state of its server. `null`: any. */
export interface Requirement {
  vmStates: readonly VmState[] | null;
  /** Tasks during which it may begin; `null`: any. Default: none may be under way. */
  tasks?: readonly (string | null)[] | null;
  /** Carried out on locked servers too. */
  ignoresLock?: boolean;
}

/** Source: the `check_instance_state` decorations of nova/compute/api.py. */
export const requirements = {
  start: { vmStates: ['stopped'] },
  stop: { vmStates: ['active', 'error'] },
  soft_reboot: { vmStates: ['active'] },
  hard_reboot: {
    vmStates: ['active', 'stopped', 'paused', 'suspended', 'error'],
    tasks: [
      null,
      'rebooting',
      'reboot_pending',
      'reboot_started',
      'rebooting_hard',
      'resuming',
      'unpausing',
      'suspending',
    ],
  },
  pause: { vmStates: ['active'] },
  unpause: { vmStates: ['paused'] },
  suspend: { vmStates: ['active'] },
  resume: { vmStates: ['suspended'] },
  createImage: { vmStates: ['active', 'stopped', 'paused', 'suspended'], ignoresLock: true },
  createBackup: { vmStates: ['active', 'stopped', 'paused', 'suspended'], ignoresLock: true },
  rescue: { vmStates: ['active', 'stopped', 'error'] },
  unrescue: { vmStates: ['rescued'] },
  shelve: { vmStates: ['active', 'stopped', 'paused', 'suspended'] },
  shelveOffload: { vmStates: ['shelved'] },
  unshelve: { vmStates: ['shelved', 'shelved_offloaded'] },
  rebuild: { vmStates: ['active', 'stopped', 'error'] },
  resize: { vmStates: ['active', 'stopped'] },
  confirmResize: { vmStates: ['resized'] },
  revertResize: { vmStates: ['resized'] },
  changePassword: { vmStates: ['active'] },
  attach_interface: { vmStates: ['active', 'paused', 'stopped'] },
  detach_interface: { vmStates: ['active', 'paused', 'stopped'] },
  'update metadata': { vmStates: ['active', 'paused', 'suspended', 'stopped'], tasks: null },
  'delete metadata': { vmStates: ['active', 'paused', 'suspended', 'stopped'], tasks: null },
  addSecurityGroup: { vmStates: null, tasks: null },
  delete: { vmStates: null, tasks: null },
} as const satisfies Record<string, Requirement>;

export type RequiredAction = keyof typeof requirements;

interface Stateful {
  id: string;
  vm_state: string;
  task_state: string | null;
  locked: boolean;
}

/**
 * @param named what the message calls the action, where that differs from its requirement's name
 * @throws Conflict in nova's words when the server's state does not allow the action
 */
export function assertActionAllowed(
  server: Stateful,
  action: RequiredAction,
  { named = action, isAdmin = false }: { named?: string; isAdmin?: boolean } = {},
): void {
  const { vmStates, tasks = [null], ignoresLock }: Requirement = requirements[action];
  if (server.locked && !isAdmin && !ignoresLock) throw new Conflict(`Instance ${server.id} is locked`);
  const refuse = (attribute: string, state: string | null) =>
    new Conflict(`Cannot '${named}' instance ${server.id} while it is in ${attribute} ${state ?? 'None'}`);
  if (vmStates && !(vmStates as readonly string[]).includes(server.vm_state))
    throw refuse('vm_state', server.vm_state);
  if (tasks && !tasks.includes(server.task_state)) throw refuse('task_state', server.task_state);
}

/** Seconds that a guest may take to go down by itself: nova's `shutdown_timeout`. */
export const shutdownTimeout = 60;

/** Actions that change a guest's power and nothing else. */
export interface PowerAction {
  /** The name of the requirement. */
  requires: RequiredAction;
  /** As the instance action is listed. */
  listed: string;
  /** The step's name in the list of events. */
  event: string;
  /** Set while it is under way. */
  task: string;
  /** What the agent is asked for. */
  asks: 'start' | 'stop' | 'soft-reboot' | 'hard-reboot' | 'pause' | 'unpause' | 'suspend' | 'resume';
  becomes: VmState;
}

export const powerActions = {
  'start-server': {
    requires: 'start',
    listed: 'start',
    event: 'compute_start_instance',
    task: 'powering-on',
    asks: 'start',
    becomes: 'active',
  },
  'stop-server': {
    requires: 'stop',
    listed: 'stop',
    event: 'compute_stop_instance',
    task: 'powering-off',
    asks: 'stop',
    becomes: 'stopped',
  },
  'soft-reboot-server': {
    requires: 'soft_reboot',
    listed: 'reboot',
    event: 'compute_reboot_instance',
    task: 'rebooting',
    asks: 'soft-reboot',
    becomes: 'active',
  },
  'hard-reboot-server': {
    requires: 'hard_reboot',
    listed: 'reboot',
    event: 'compute_reboot_instance',
    task: 'rebooting_hard',
    asks: 'hard-reboot',
    becomes: 'active',
  },
  'pause-server': {
    requires: 'pause',
    listed: 'pause',
    event: 'compute_pause_instance',
    task: 'pausing',
    asks: 'pause',
    becomes: 'paused',
  },
  'unpause-server': {
    requires: 'unpause',
    listed: 'unpause',
    event: 'compute_unpause_instance',
    task: 'unpausing',
    asks: 'unpause',
    becomes: 'active',
  },
  'suspend-server': {
    requires: 'suspend',
    listed: 'suspend',
    event: 'compute_suspend_instance',
    task: 'suspending',
    asks: 'suspend',
    becomes: 'suspended',
  },
  'resume-server': {
    requires: 'resume',
    listed: 'resume',
    event: 'compute_resume_instance',
    task: 'resuming',
    asks: 'resume',
    becomes: 'active',
  },
} as const satisfies Record<string, PowerAction>;

export type PowerActionName = keyof typeof powerActions;
