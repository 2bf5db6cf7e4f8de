import { BadRequest } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { validator } from '../../../platform/http/validation.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Compute } from '../compute.ts';
import { rebuildEvent, rebuildTask } from '../flows/rebuild-server.ts';
import { canonicalIpv6 } from '../model/addresses.ts';
import { keypairs } from '../store/keypairs.ts';
import { assertMetadataItems } from '../store/quota-claims.ts';
import type { Server } from '../store/servers.ts';
import { passwordAnswer } from './admin-password.ts';
import { assertImageFits } from './create-server.ts';
import { type RebuildBody, rebuildSchema } from './server-body.ts';
import { computeErrors } from './style.ts';

/**
 * The action `rebuild`: the row says at once what the server is to be, and the flow makes it so.
 *
 * @param show the server as the answer to a change has it
 */
export function rebuildAction(
  compute: Compute,
  show: (server: Server, call: Call) => Promise<Record<string, unknown>>,
) {
  const { store, image, engine, flows, servers: changes, actions } = compute;
  const keys = repository(store, keypairs);
  const checks = rebuildSchema.map(([since, schema]) => ({ since, check: validator(schema) })).toReversed();
  return async (server: Server, call: Call, given: RebuildBody): Promise<unknown> => {
    const problem = checks.find(({ since }) => call.since(since))?.check(given);
    if (problem) throw computeErrors.invalid({ ...problem, path: ['rebuild', ...problem.path] });
    const { id, project_id: projectId, user_id: userId } = server;
    const isAdmin = call.can('context_is_admin');
    const { imageRef: imageId } = given;
    assertImageFits(imageId, await image.image({ id: imageId, projectId, admin: isAdmin }), server.flavor);
    const keypair = given.key_name ? await keys.find({ user_id: userId, name: given.key_name }) : null;
    if (given.key_name && !keypair) throw new BadRequest('Invalid key_name provided.');
    await store.transaction(async () => {
      await assertMetadataItems(store, given.metadata ?? {}, projectId);
      const { vm_state } = await changes.begin(id, 'rebuild', rebuildTask, { isAdmin });
      const has = (name: keyof RebuildBody) => given[name] !== undefined;
      await changes.change(
        { id },
        {
          image_id: imageId,
          ...(has('name') ? { name: given.name as string } : {}),
          ...(has('description') ? { description: given.description ?? null } : {}),
          ...(has('hostname') ? { hostname: given.hostname as string } : {}),
          ...(has('metadata') ? { metadata: given.metadata as Record<string, string> } : {}),
          ...(has('accessIPv4') ? { access_ip_v4: given.accessIPv4 || null } : {}),
          ...(has('accessIPv6') ? { access_ip_v6: canonicalIpv6(given.accessIPv6) } : {}),
          ...(has('user_data') ? { user_data: given.user_data ?? null } : {}),
          ...(has('OS-DCF:diskConfig') ? { disk_config: given['OS-DCF:diskConfig'] as string } : {}),
          ...(has('trusted_image_certificates')
            ? { trusted_certificates: given.trusted_image_certificates ?? null }
            : {}),
          ...(has('key_name')
            ? {
                key_name: keypair?.name ?? null,
                keypair: keypair
                  ? { name: keypair.name, type: keypair.type, public_key: keypair.public_key }
                  : null,
              }
            : {}),
        },
      );
      await actions.record(id, 'rebuild', { event: rebuildEvent, host: server.host });
      await engine.startFlow(
        flows.rebuildServer,
        { serverId: id, stopped: vm_state === 'stopped' },
        { resource: { type: 'server', id }, projectId },
      );
    });
    const changed = await changes.find(id);
    const view = await show(changed, call);
    return answer(
      202,
      {
        server: {
          ...view,
          ...(call.since('2.54') ? { key_name: changed.key_name } : {}),
          ...(call.since('2.57') ? { user_data: changed.user_data } : {}),
          ...passwordAnswer(compute, given.adminPass),
        },
      },
      { location: `${call.origin}/v2.1/servers/${id}` },
    );
  };
}
