import { Type } from 'typebox';
import { answer, type Call } from '../../../platform/http/call.ts';
import type { Compute } from '../compute.ts';
import { backUpEvent, backUpTask } from '../flows/back-up-server.ts';
import { snapshotTask } from '../flows/snapshot-server.ts';
import { assertActionAllowed } from '../model/server-actions.ts';
import { snapshotImage } from '../model/snapshot-image.ts';
import { assertMetadataItems } from '../store/quota-claims.ts';
import type { Server } from '../store/servers.ts';
import { closed, Name } from './parameter-types.ts';
import { type ServerAction, serverAction } from './server-action.ts';
import { Metadata } from './server-body.ts';

interface CreateImageBody {
  name: string;
  metadata?: Record<string, string>;
}

interface CreateBackupBody extends CreateImageBody {
  backup_type: string;
  rotation: number | string;
}

/** The actions `createImage` and `createBackup`: the image is made at once, and filled by a flow. */
export function snapshotActions(compute: Compute): Record<string, ServerAction> {
  const { store, servers: changes, engine, flows, actions, image } = compute;

  /** Makes the image and begins to fill it: both, or neither. */
  async function make(
    server: Server,
    call: Call,
    { name, metadata = {} }: CreateImageBody,
    as: { type: 'snapshot' | 'backup'; properties?: Record<string, string> },
    begin: (imageId: string, isAdmin: boolean) => Promise<unknown>,
  ): Promise<string> {
    // Since 2.39 it is the image service's own limit that holds.
    if (!call.since('2.39')) await assertMetadataItems(store, metadata, server.project_id);
    const base = server.image_id ? await image.image({ id: server.image_id, admin: true }) : null;
    const properties = { ...metadata, ...as.properties };
    const { id } = await image.create(snapshotImage(server, base, { name, type: as.type, properties }));
    try {
      await store.transaction(() => begin(id, call.can('context_is_admin')));
    } catch (error) {
      await image.discard({ id });
      throw error;
    }
    return id;
  }

  /** Since 2.45 the body says which image it is; before, the URL of the image does. */
  const answerOf = (call: Call, imageId: string, located = true): unknown => {
    if (call.since('2.45')) return answer(202, { image_id: imageId });
    return located
      ? answer(202, undefined, { location: `${call.origin}/images/${imageId}` })
      : answer(202, undefined);
  };

  async function createImage(server: Server, call: Call, given: CreateImageBody): Promise<unknown> {
    const { id, project_id: projectId, host } = server;
    assertActionAllowed(server, 'createImage');
    const imageId = await make(server, call, given, { type: 'snapshot' }, async (made, isAdmin) => {
      await changes.begin(id, 'createImage', snapshotTask, { isAdmin });
      await actions.record(id, 'createImage', { event: 'compute_snapshot_instance', host });
      const resource = { type: 'server', id };
      await engine.startFlow(flows.snapshotServer, { serverId: id, imageId: made }, { resource, projectId });
    });
    return answerOf(call, imageId);
  }

  async function createBackup(server: Server, call: Call, given: CreateBackupBody): Promise<unknown> {
    const { id, project_id: projectId, host } = server;
    assertActionAllowed(server, 'createBackup');
    const { backup_type: backupType } = given;
    const rotation = Number(given.rotation);
    const as = { type: 'backup' as const, properties: { backup_type: backupType } };
    const imageId = await make(server, call, given, as, async (made, isAdmin) => {
      await changes.begin(id, 'createBackup', backUpTask, { isAdmin });
      await actions.record(id, 'createBackup', { event: backUpEvent, host });
      const input = { serverId: id, imageId: made, backupType, rotation };
      await engine.startFlow(flows.backUpServer, input, { resource: { type: 'server', id }, projectId });
    });
    return answerOf(call, imageId, rotation > 0);
  }

  return {
    createImage: serverAction({
      policy: 'os_compute_api:servers:create_image',
      schema: closed({ name: Name, metadata: Type.Optional(Metadata) }),
      run: createImage,
    }),
    createBackup: serverAction({
      policy: 'os_compute_api:os-create-backup',
      schema: closed({
        name: Name,
        backup_type: Type.String(),
        rotation: Type.Unsafe<number | string>({
          type: ['integer', 'string'],
          pattern: '^[0-9]*$',
          minimum: 0,
          minLength: 1,
        }),
        metadata: Type.Optional(Metadata),
      }),
      run: createBackup,
    }),
  };
}
