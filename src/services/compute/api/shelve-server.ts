import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import type { Compute } from '../compute.ts';
import { offloadEvent, offloadTask } from '../flows/offload-server.ts';
import { shelveEvent, shelveTask } from '../flows/shelve-server.ts';
import { unshelveEvent, unshelveTask } from '../flows/unshelve-server.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { assertZone, computeHosts } from '../store/host-states.ts';
import type { Server } from '../store/servers.ts';
import { closed, Name } from './parameter-types.ts';
import { type ServerAction, serverAction } from './server-action.ts';

interface UnshelveBody {
  /** `null`: any. */
  availability_zone?: string | null;
  host?: string;
}

/** The actions `shelve`, `shelveOffload` and `unshelve`. */
export function shelveActions(compute: Compute): Record<string, ServerAction> {
  const { store, engine, flows, servers: changes, actions, settings } = compute;
  const policy = (name: string): string => `os_compute_api:os-shelve:${name}`;

  async function shelve(server: Server, call: Call): Promise<unknown> {
    const { id, project_id: projectId } = server;
    await store.transaction(async () => {
      const { host, vm_state: vmState } = await changes.begin(id, 'shelve', shelveTask, {
        isAdmin: call.can('context_is_admin'),
      });
      if (host === null) throw new Conflict(`Instance ${id} is not ready`);
      const imageId = randomUUID();
      // The row knows of the image before it is made, so that whoever deletes the server deletes it too.
      await changes.change({ id }, { shelved_image_id: imageId });
      await actions.record(id, 'shelve', { event: shelveEvent, host });
      await engine.startFlow(
        flows.shelveServer,
        { serverId: id, imageId, vmState, offload: settings.shelved_offload_time === 0 },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  }

  async function offload(server: Server, call: Call): Promise<unknown> {
    const { id, project_id: projectId } = server;
    await store.transaction(async () => {
      const { host } = await changes.begin(id, 'shelveOffload', offloadTask, {
        isAdmin: call.can('context_is_admin'),
      });
      await actions.record(id, 'shelveOffload', { event: offloadEvent, host });
      await engine.startFlow(
        flows.offloadServer,
        { serverId: id },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  }

  /** Checks where a server is to be put back, in upstream's order. @throws BadRequest, Conflict, Forbidden */
  async function assertPlace(server: Server, call: Call, { availability_zone: zone, host }: UnshelveBody) {
    if (zone === undefined && host === undefined) return;
    if (server.vm_state !== 'shelved_offloaded')
      throw new Conflict(
        'Specifying an availability zone or a host when unshelving ' +
          `server "${server.id}" with status "${server.vm_state}" is not supported. ` +
          'The server status must be SHELVED_OFFLOADED.',
      );
    if (zone) await assertZone(store, zone);
    if (host === undefined) return;
    call.enforce(policy('unshelve_to_host'), server);
    const found = (await computeHosts(store)).find(({ node }) => node.host === host);
    if (!found) throw new BadRequest(`Compute host ${host} could not be found.`);
    const wanted = zone === undefined ? server.request.zone : zone;
    if (wanted && found.zone !== wanted)
      throw new Conflict(`Host "${host}" is not in the availability zone "${wanted}".`);
  }

  async function unshelve(server: Server, call: Call, asked: unknown): Promise<unknown> {
    const { id, project_id: projectId } = server;
    const isAdmin = call.can('context_is_admin');
    // Before 2.77 whatever is said is passed over.
    const given: UnshelveBody = call.since('2.77') ? ((asked as UnshelveBody | null) ?? {}) : {};
    const { availability_zone: zone, host: toHost } = given;
    assertActionAllowed(server, 'unshelve', { isAdmin });
    await assertPlace(server, call, given);
    await store.transaction(async () => {
      const begun = await changes.begin(id, 'unshelve', unshelveTask, { isAdmin });
      const { zone: before, ...request } = begun.request;
      const pinned = zone === undefined ? before : zone;
      if (pinned !== before)
        await changes.change({ id }, { request: { ...request, ...(pinned ? { zone: pinned } : {}) } });
      await actions.record(id, 'unshelve', { event: unshelveEvent, host: begun.host });
      const options = { resource: { type: 'server', id }, projectId };
      if (begun.vm_state === 'shelved')
        await engine.startFlow(flows.startShelvedServer, { serverId: id }, options);
      else {
        const input = { serverId: id, ...(toHost === undefined ? {} : { toHost }) };
        await engine.startFlow(flows.unshelveServer, input, options);
      }
    });
    return answer(202);
  }

  return {
    shelve: serverAction({ policy: policy('shelve'), run: shelve }),
    shelveOffload: serverAction({ policy: policy('shelve_offload'), run: offload }),
    unshelve: serverAction({
      policy: policy('unshelve'),
      schema: [
        ['2.1', Type.Unknown()],
        ['2.77', Type.Union([Type.Null(), closed({ availability_zone: Name })])],
        [
          '2.91',
          Type.Union([
            Type.Null(),
            closed({
              availability_zone: Type.Optional(Type.Union([Type.String(), Type.Null()])),
              host: Type.Optional(Type.String()),
            }),
          ]),
        ],
      ],
      run: unshelve,
    }),
  };
}
