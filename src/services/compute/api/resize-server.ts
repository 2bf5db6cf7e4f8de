import { BadRequest, NotImplemented } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import type { Compute } from '../compute.ts';
import { confirmResizeEvent, resizeEvent } from '../flows/resize-server.ts';
import { revertResizeEvent, revertTask } from '../flows/revert-resize.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import type { Flavor } from '../store/flavors.ts';
import { claimQuota } from '../store/quota-claims.ts';
import type { Server } from '../store/servers.ts';
import { usableFlavor } from '../store/usable-flavor.ts';
import { assertImageFits, toServerFlavor } from './create-server.ts';

/** The actions `resize`, `confirmResize` and `revertResize`: the answer comes at once, the flow does the work. */
export function resizeActions(compute: Compute) {
  const { store, image, engine, flows, servers: changes, actions, migrations } = compute;

  /** @throws BadRequest for a flavor that a server cannot be given, in nova's words */
  async function flavorFor(server: Server, call: Call, id: string): Promise<Flavor> {
    const isAdmin = call.can('context_is_admin');
    const flavor = await usableFlavor(store, id, { projectId: server.project_id, isAdmin });
    if (!flavor || flavor.disabled) throw new BadRequest(`Flavor ${id} could not be found.`);
    const { id: oldId, disk, ephemeral, swap } = server.flavor;
    if (flavor.id === oldId) throw new BadRequest('When resizing, instances must change flavor!');
    if (disk > 0 && flavor.disk === 0)
      throw new BadRequest(
        'Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.',
      );
    if (flavor.ephemeral !== ephemeral || flavor.swap !== swap)
      throw new NotImplemented('Resizing ephemeral and swap disks is not supported by this cloud.');
    const record = server.image_id ? await image.image({ id: server.image_id, admin: true }) : null;
    // Whatever has become of the image since, its minimum holds while it is there.
    if (record) assertImageFits(record.id, { ...record, status: 'active' }, flavor);
    return flavor;
  }

  async function resize(
    server: Server,
    call: Call,
    given: { flavorRef: string | number; 'OS-DCF:diskConfig'?: string },
  ): Promise<unknown> {
    const isAdmin = call.can('context_is_admin');
    assertActionAllowed(server, 'resize', { isAdmin });
    const flavor = await flavorFor(server, call, String(given.flavorRef));
    const { id, project_id: projectId, user_id: userId } = server;
    await store.transaction(async () => {
      const begun = await changes.begin(id, 'resize', 'resize_prep', { isAdmin });
      const { host, node } = begun;
      if (host === null || node === null) throw new BadRequest(`Instance ${id} is not ready`);
      await claimQuota(store, {
        projectId,
        userId,
        instances: 0,
        cores: Math.max(0, flavor.vcpus - begun.vcpus),
        ram: Math.max(0, flavor.ram - begun.memory_mib),
      });
      const diskConfig = given['OS-DCF:diskConfig'];
      await changes.change(
        { id },
        {
          // Until it is settled the quota holds the larger of both.
          vcpus: Math.max(begun.vcpus, flavor.vcpus),
          memory_mib: Math.max(begun.memory_mib, flavor.ram),
          progress: 0,
          ...(diskConfig === undefined ? {} : { disk_config: diskConfig }),
        },
      );
      const migrationId = await migrations.begin({ ...begun, host, node }, toServerFlavor(flavor));
      await actions.record(id, 'resize', { event: resizeEvent, host });
      await engine.startFlow(
        flows.resizeServer,
        { serverId: id, migrationId, running: begun.vm_state === 'active' },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  }

  /** The resize that is to be settled, taken so that nobody else settles it too. In a transaction. */
  async function taken(serverId: string, status: string) {
    const migration = await migrations.finished(serverId);
    if (!migration || !(await migrations.to(migration.id, status, 'finished')))
      throw new BadRequest('Instance has not been resized.');
    return migration;
  }

  async function confirm(server: Server, call: Call): Promise<unknown> {
    const { id, project_id: projectId } = server;
    await store.transaction(async () => {
      const now = await changes.find(id);
      assertActionAllowed(now, 'confirmResize', { isAdmin: call.can('context_is_admin') });
      const { id: migrationId } = await taken(id, 'confirming');
      await actions.record(id, 'confirmResize', { event: confirmResizeEvent, host: now.host });
      await engine.startFlow(
        flows.confirmResize,
        { serverId: id, migrationId },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(204);
  }

  async function revert(server: Server, call: Call): Promise<unknown> {
    const { id, project_id: projectId } = server;
    await store.transaction(async () => {
      const { host } = await changes.begin(id, 'revertResize', revertTask, {
        isAdmin: call.can('context_is_admin'),
      });
      const { id: migrationId, vm_state } = await taken(id, 'reverting');
      await actions.record(id, 'revertResize', { event: revertResizeEvent, host });
      await engine.startFlow(
        flows.revertResize,
        { serverId: id, migrationId, running: vm_state === 'active' },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  }

  return { resize, confirm, revert };
}
