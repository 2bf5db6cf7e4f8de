import { Type } from 'typebox';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import type { Compute } from '../compute.ts';
import { rescueEvent, rescueTask } from '../flows/rescue-server.ts';
import { unrescueEvent, unrescueTask } from '../flows/unrescue-server.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { powerStates } from '../model/server-states.ts';
import { baseImageOf } from '../model/snapshot-image.ts';
import type { Server } from '../store/servers.ts';
import { passwordAnswer } from './admin-password.ts';
import { closed } from './parameter-types.ts';
import { type ServerAction, serverAction } from './server-action.ts';

interface RescueBody {
  adminPass?: string;
  rescue_image_ref?: string;
}

/** The actions `rescue` and `unrescue`. */
export function rescueActions(compute: Compute): Record<string, ServerAction> {
  const { store, image, engine, flows, servers: changes, actions } = compute;

  /** What a server is rescued with: what is asked for, or what its own image was made of. @throws BadRequest */
  async function imageFor(server: Server, isAdmin: boolean, asked: string | undefined): Promise<string> {
    const { id, project_id: projectId, image_id: ownId } = server;
    if (asked !== undefined) {
      const found = await image.image({ id: asked, projectId, admin: isAdmin });
      if (found?.status !== 'active')
        throw new BadRequest(`Requested rescue image '${asked}' is not supported`);
      return asked;
    }
    const own = ownId === null ? null : await image.image({ id: ownId, admin: true });
    for (const candidate of [baseImageOf(server, own), ownId]) {
      const found =
        candidate === null ? null : await image.image({ id: candidate, projectId, admin: isAdmin });
      if (found?.status === 'active') return found.id;
    }
    throw new BadRequest(`Instance ${id} cannot be rescued: Image ${ownId} could not be found.`);
  }

  async function rescue(server: Server, call: Call, given: RescueBody | null): Promise<unknown> {
    const { id, project_id: projectId } = server;
    const isAdmin = call.can('context_is_admin');
    assertActionAllowed(server, 'rescue', { isAdmin });
    const imageId = await imageFor(server, isAdmin, given?.rescue_image_ref);
    await store.transaction(async () => {
      const { host, power_state } = await changes.begin(id, 'rescue', rescueTask, { isAdmin });
      if (host === null) throw new Conflict(`Instance ${id} is not ready`);
      await actions.record(id, 'rescue', { event: rescueEvent, host });
      await engine.startFlow(
        flows.rescueServer,
        { serverId: id, imageId, running: power_state === powerStates.running },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return passwordAnswer(compute, given?.adminPass);
  }

  async function unrescue(server: Server, call: Call): Promise<unknown> {
    const { id, project_id: projectId } = server;
    await store.transaction(async () => {
      const { host } = await changes.begin(id, 'unrescue', unrescueTask, {
        isAdmin: call.can('context_is_admin'),
      });
      await actions.record(id, 'unrescue', { event: unrescueEvent, host });
      await engine.startFlow(
        flows.unrescueServer,
        { serverId: id },
        { resource: { type: 'server', id }, projectId },
      );
    });
    return answer(202);
  }

  return {
    rescue: serverAction({
      policy: 'os_compute_api:os-rescue',
      schema: Type.Union([
        Type.Null(),
        closed({
          adminPass: Type.Optional(Type.String()),
          rescue_image_ref: Type.Optional(Type.String({ format: 'uuid' })),
        }),
      ]),
      run: rescue,
    }),
    unrescue: serverAction({ policy: 'os_compute_api:os-unrescue', run: unrescue }),
  };
}
