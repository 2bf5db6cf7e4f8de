import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { newRequestId, withContext } from '../../../platform/context/context.ts';
import type { FlowEngine } from '../../../platform/flow/engine.ts';
import { failEveryStep, type Seam } from '../../../platform/flow/testing/fail-every-step.ts';
import { imageService } from '../../image/contract.ts';
import { snapshotImage } from '../model/snapshot-image.ts';
import { serverFlows } from './flows.ts';
import { type Case, type Cases, projectId, startCases } from './testing/cases.ts';

describe('a backup leaves nothing half done', () => {
  let cases: Cases;
  before(async () => {
    cases = await startCases();
  });
  after(() => cases.close());

  const credentials = {
    userId: 'u',
    userName: 'u',
    userDomainId: 'd',
    userDomainName: 'd',
    projectId,
    roles: ['member', 'reader'],
    isAdminProject: false,
    serviceRoles: [],
    methods: ['password'],
    auditIds: [],
    issuedAt: '2026-01-01T00:00:00Z',
    expiresAt: '2036-01-01T00:00:00Z',
  };
  const context = () => ({ requestId: newRequestId(), credentials });
  const backup = async ({ parts, serverId }: Case, name: string): Promise<string> => {
    const server = await parts.servers.find(serverId);
    const made = snapshotImage(server, null, { name, type: 'backup', properties: { backup_type: 'daily' } });
    // Which of them is the oldest is told by milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 2));
    const { id } = await cases.world.bus.client(imageService).create({ ...made, id: randomUUID() });
    return id;
  };
  const names = async ({ serverId }: Case) => {
    const found = await withContext(context(), () =>
      cases.world.bus
        .client(imageService)
        .list({ properties: { instance_uuid: serverId, image_type: 'backup' }, limit: 100 }),
    );
    return found.map(({ name, status }) => `${name} ${status}`);
  };
  const world = async (seam: Seam): Promise<Case> => {
    const each = await cases.built(seam, { task_state: 'image_backup' });
    await backup(each, 'oldest');
    await backup(each, 'older');
    return { ...each, imageId: await backup(each, 'newest') };
  };
  const subject = (rotation: number) => ({
    world,
    flows: ({ parts }: Case) => [serverFlows(parts).backUpServer] as const,
    start: (engine: FlowEngine, each: Case) =>
      withContext(context(), () =>
        each.store.transaction(() =>
          engine.startFlow(serverFlows(each.parts).backUpServer, {
            serverId: each.serverId,
            imageId: each.imageId,
            backupType: 'daily',
            rotation,
          }),
        ),
      ),
    async undone(each: Case) {
      // The older ones are all there still.
      assert.deepEqual(await names(each), ['older queued', 'oldest queued']);
      const row = await cases.rowOf(each);
      assert.deepEqual([row?.vm_state, row?.task_state], ['active', null]);
      assert.ok(row?.fault);
    },
  });

  it('that takes the place of the oldest', (t) =>
    failEveryStep(t, {
      ...subject(2),
      async done(each) {
        assert.deepEqual(await names(each), ['newest active', 'older queued']);
        assert.equal((await cases.rowOf(each))?.task_state, null);
      },
    }));

  it('of which none is to be kept', (t) =>
    failEveryStep(t, {
      ...subject(0),
      async done(each) {
        assert.deepEqual(await names(each), []);
        assert.equal((await cases.rowOf(each))?.task_state, null);
      },
    }));
});
