import { type TSchema, Type } from 'typebox';
import { BadRequest, Conflict, NotFound, NotImplemented } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { type Validator, validator } from '../../../platform/http/validation.ts';
import { microversion } from '../../../platform/microversion/microversion.ts';
import type { Compute } from '../compute.ts';
import { assertActionAllowed, type PowerActionName, powerActions } from '../model/server-actions.ts';
import type { Server } from '../store/servers.ts';
import { closed } from './parameter-types.ts';
import { rebuildAction } from './rebuild-server.ts';
import { consoleActions } from './remote-consoles.ts';
import { rescueActions } from './rescue-server.ts';
import { resizeActions } from './resize-server.ts';
import { type ServerAction, serverAction } from './server-action.ts';
import { DiskConfig, FlavorRef } from './server-body.ts';
import { beginDelete, changedServer, serverFor } from './servers.ts';
import { shelveActions } from './shelve-server.ts';
import { snapshotActions } from './snapshot-server.ts';
import { computeErrors } from './style.ts';

const isAdmin = (call: Call): boolean => call.can('context_is_admin');
const GroupName = closed({ name: Type.String({ minLength: 1, maxLength: 255 }) });

/** What needs services or drivers that this cloud does not have yet: refused, never pretended. */
const notYet: Record<string, { policy: string; what: string; until?: string }> = {
  migrate: { policy: 'os_compute_api:os-migrate-server:migrate', what: 'Migrating servers' },
  'os-migrateLive': { policy: 'os_compute_api:os-migrate-server:migrate_live', what: 'Migrating servers' },
  evacuate: { policy: 'os_compute_api:os-evacuate', what: 'Evacuating servers' },
  trigger_crash_dump: { policy: 'os_compute_api:servers:trigger_crash_dump', what: 'Crash dumps' },
  injectNetworkInfo: {
    policy: 'os_compute_api:os-admin-actions:inject_network_info',
    what: 'Injecting network information',
  },
};

function actionsOf(compute: Compute): Record<string, ServerAction> {
  const { store, servers: changes, engine, flows, actions, network } = compute;

  const resizing = resizeActions(compute);

  /** Starts one of the flows that change a guest's power. */
  const power = async (server: Server, call: Call, name: PowerActionName, named?: string) => {
    const { requires, task, listed, event } = powerActions[name];
    await store.transaction(async () => {
      const { id, project_id: projectId } = server;
      await changes.begin(id, requires, task, {
        isAdmin: isAdmin(call),
        named: named ?? requires,
      });
      await actions.record(id, listed, { event, host: server.host });
      await engine.startFlow(
        flows.power[name],
        { serverId: id },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  };
  const powerAction = (policy: string, name: PowerActionName) =>
    serverAction({ policy, run: (server, call) => power(server, call, name) });

  async function changeGroup(server: Server, call: Call, group: string, change: 'add' | 'remove') {
    assertActionAllowed(server, 'addSecurityGroup', { isAdmin: isAdmin(call) });
    const { id: serverId, project_id: projectId } = server;
    await network.changeSecurityGroup({ serverId, projectId, group, change }).catch((error: unknown) => {
      // Here the group is what is looked for; a server whose ports take none is a mistake of the request.
      if (error instanceof BadRequest) throw new NotFound(error.message);
      if (error instanceof Conflict) throw new BadRequest(error.message);
      throw error;
    });
    return answer(202);
  }

  async function lock(server: Server, call: Call, given: { locked_reason?: string } | null) {
    await changes.change(
      { id: server.id },
      {
        locked: true,
        locked_by: call.credentials.projectId === server.project_id ? 'owner' : 'admin',
        locked_reason: given?.locked_reason ?? null,
      },
    );
    await actions.record(server.id, 'lock');
    return answer(202);
  }

  async function unlock(server: Server, call: Call) {
    // What an administrator has locked, its owner cannot unlock.
    if (server.locked_by === 'admin')
      call.enforce('os_compute_api:os-lock-server:unlock:unlock_override', server);
    await changes.change({ id: server.id }, { locked: false, locked_by: null, locked_reason: null });
    await actions.record(server.id, 'unlock');
    return answer(202);
  }

  async function consoleOutput(
    server: Server,
    _call: Call,
    given: { length?: number | string | null } | null,
  ) {
    if (server.host === null || server.vm_state === 'building')
      throw new Conflict(`Instance ${server.id} is not ready`);
    // -1 is all of it.
    const lines = Number(given?.length ?? -1);
    const { output } = await compute
      .agent(server.host)
      .consoleLog({ serverId: server.id, ...(lines >= 0 ? { lines } : {}) })
      .catch((error: unknown) => {
        if (error instanceof NotFound) throw new Conflict(`Instance ${server.id} is not ready`);
        throw error;
      });
    // A last line that has ended counts as two, as upstream counts.
    const wanted =
      lines >= 0
        ? output
            .split('\n')
            .slice(-lines || output.length)
            .join('\n')
        : output;
    // What JSON and terminals cannot bear is taken out, as upstream does.
    // biome-ignore lint: control characters are what is meant
    // oxlint-disable-next-line no-control-regex
    return { output: wanted.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '') };
  }

  async function resetState(server: Server, _call: Call, { state }: { state: 'active' | 'error' }) {
    await changes.change({ id: server.id }, { vm_state: state, task_state: null });
    await actions.record(server.id, 'reset_state');
    return answer(202);
  }

  return {
    ...consoleActions(compute),
    ...snapshotActions(compute),
    ...rescueActions(compute),
    ...shelveActions(compute),
    'os-start': powerAction('os_compute_api:servers:start', 'start-server'),
    'os-stop': powerAction('os_compute_api:servers:stop', 'stop-server'),
    reboot: serverAction({
      policy: 'os_compute_api:servers:reboot',
      schema: closed({ type: Type.String({ pattern: '^(HARD|Hard|hard|SOFT|Soft|soft)$' }) }),
      run: (server, call, { type }: { type: string }) =>
        power(
          server,
          call,
          type.toUpperCase() === 'HARD' ? 'hard-reboot-server' : 'soft-reboot-server',
          'reboot',
        ),
    }),
    rebuild: serverAction({
      policy: 'os_compute_api:servers:rebuild',
      run: rebuildAction(compute, changedServer(compute)),
    }),
    resize: serverAction({
      policy: 'os_compute_api:servers:resize',
      schema: closed({ flavorRef: FlavorRef, 'OS-DCF:diskConfig': Type.Optional(DiskConfig) }),
      run: resizing.resize,
    }),
    confirmResize: serverAction({
      policy: 'os_compute_api:servers:confirm_resize',
      run: resizing.confirm,
    }),
    revertResize: serverAction({ policy: 'os_compute_api:servers:revert_resize', run: resizing.revert }),
    pause: powerAction('os_compute_api:os-pause-server:pause', 'pause-server'),
    unpause: powerAction('os_compute_api:os-pause-server:unpause', 'unpause-server'),
    suspend: powerAction('os_compute_api:os-suspend-server:suspend', 'suspend-server'),
    resume: powerAction('os_compute_api:os-suspend-server:resume', 'resume-server'),
    lock: serverAction({
      policy: 'os_compute_api:os-lock-server:lock',
      schema: Type.Union([
        Type.Null(),
        closed({ locked_reason: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })) }),
      ]),
      run: lock,
    }),
    unlock: serverAction({ policy: 'os_compute_api:os-lock-server:unlock', run: unlock }),
    'os-getConsoleOutput': serverAction({
      policy: 'os_compute_api:os-console-output',
      schema: Type.Object({
        length: Type.Optional(
          Type.Unsafe({
            anyOf: [
              { type: 'null' },
              { type: 'integer', minimum: -1 },
              { type: 'string', pattern: '^-?[0-9]+$' },
            ],
          }),
        ),
      }),
      run: consoleOutput,
    }),
    addSecurityGroup: serverAction({
      policy: 'os_compute_api:os-security-groups:add',
      schema: GroupName,
      run: (server, call, { name }: { name: string }) => changeGroup(server, call, name, 'add'),
    }),
    removeSecurityGroup: serverAction({
      policy: 'os_compute_api:os-security-groups:remove',
      schema: GroupName,
      run: (server, call, { name }: { name: string }) => changeGroup(server, call, name, 'remove'),
    }),
    'os-resetState': serverAction({
      policy: 'os_compute_api:os-admin-actions:reset_state',
      schema: closed({ state: Type.Union([Type.Literal('active'), Type.Literal('error')]) }),
      run: resetState,
    }),
    changePassword: serverAction({
      policy: 'os_compute_api:os-admin-password',
      schema: closed({ adminPass: Type.String({ maxLength: 255 }) }),
      run: (server, call) => {
        assertActionAllowed(server, 'changePassword', { isAdmin: isAdmin(call) });
        throw new NotImplemented('Unable to set password on instance');
      },
    }),
    forceDelete: serverAction({
      policy: 'os_compute_api:os-deferred-delete:force',
      run: async (server, call) => {
        await beginDelete(compute, server, isAdmin(call));
        return answer(202);
      },
    }),
    restore: serverAction({
      policy: 'os_compute_api:os-deferred-delete:restore',
      run: (server) => {
        throw new Conflict(
          `Cannot 'restore' instance ${server.id} while it is in vm_state ${server.vm_state}`,
        );
      },
    }),
    ...Object.fromEntries(
      Object.entries(notYet).map(([name, { policy, what }]) => [
        name,
        serverAction({
          policy,
          run: () => {
            throw new NotImplemented(`${what} is not supported by this cloud.`);
          },
        }),
      ]),
    ),
  };
}

/** The checks of what stands under an action's name: the newest first, so that the first that holds is the one. */
function checksOf({ schema }: ServerAction): { since: string; check: Validator }[] {
  if (!schema) return [];
  const versions = isVersioned(schema) ? schema : [['2.1', schema] as const];
  return versions.map(([since, each]) => ({ since, check: validator(each) })).toReversed();
}

const isVersioned = (
  schema: NonNullable<ServerAction['schema']>,
): schema is readonly (readonly [string, TSchema])[] => Array.isArray(schema);

export function serverActionRoutes(compute: Compute): Route[] {
  const all = new Map(
    Object.entries(actionsOf(compute)).map(([name, action]) => [
      name,
      { ...action, checks: checksOf(action) },
    ]),
  );
  return [
    route({
      method: 'POST',
      path: '/v2.1/servers/:id/action',
      summary: 'Ask something of a server',
      body: Type.Object({}, { additionalProperties: true, minProperties: 1 }),
      handler: async (call) => {
        const [name = '', ...more] = Object.keys(call.body as object);
        const action = all.get(name);
        const exists =
          action &&
          !(action.since && !call.since(action.since)) &&
          !(action.until && call.version > microversion(action.until));
        if (!exists || more.length > 0)
          throw action && !exists
            ? new NotFound('The resource could not be found.')
            : new BadRequest(`There is no such action: ${name.slice(0, 80)}`);
        const given = (call.body as Record<string, unknown>)[name];
        const problem = action.checks.find(({ since }) => call.since(since))?.check(given);
        if (problem) throw computeErrors.invalid({ ...problem, path: [name, ...problem.path] });
        const server = await serverFor(compute, call, action.policy);
        return action.run(server, call, given as never);
      },
    }),
  ];
}
