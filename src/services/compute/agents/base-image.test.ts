import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../platform/exec/run.ts';
import { member, startWorld, type World } from '../../../platform/service/testing/world.ts';
import { type ImageService, imageService } from '../../image/contract.ts';
import { image } from '../../image/service.ts';
import type { HypervisorDriver } from '../drivers/driver.ts';
import { BaseImages } from '../drivers/qemu/base-images.ts';
import { faultOf } from '../model/faults.ts';
import { baseImage } from './base-image.ts';
import { computeAgentHandlers } from './compute-agent.ts';

const skip = await run(['qemu-img', '--version']).then(
  () => false,
  () => 'needs qemu-img',
);

describe('an image that is deleted while a host fetches it', { skip }, () => {
  let world: World;
  let images: ImageService;
  /** More than one piece of what the image service gives at once. */
  const bytes = randomBytes(5 * 2 ** 20);
  before(async () => {
    world = await startWorld([image]);
    images = world.bus.client(imageService);
  });
  after(() => world[Symbol.asyncDispose]());

  async function filled(): Promise<string> {
    const body = { disk_format: 'raw', container_format: 'bare' };
    const made = await world.request('image', 'POST', '/v2/images', { as: member, body });
    const { id } = made.body as { id: string };
    const headers = { 'x-auth-token': world.tokenFor(member), 'content-type': 'application/octet-stream' };
    const url = `${world.urls['image']}/v2/images/${id}/file`;
    assert.equal((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status, 204);
    return id;
  }
  const freshFolder = () => join(world.stateDir, `base-${randomUUID()}`);

  /** The image service, and what happens right after it has said where an image is. */
  const locatedThen = (
    then: (id: string) => Promise<void>,
    { elsewhere = false, read = images.read }: { elsewhere?: boolean; read?: ImageService['read'] } = {},
  ): ImageService =>
    ({
      read,
      async locate({ id }) {
        const located = await images.locate({ id });
        await then(id);
        return located && (elsewhere ? { ...located, path: null } : located);
      },
    }) satisfies Partial<ImageService> as never;

  /** Has a host build a guest of an image; what its server would show then. */
  async function faultOfBuilding(asks: ImageService, imageId: string): Promise<[number, string]> {
    const folder = freshFolder();
    const agent = computeAgentHandlers({
      // Nothing comes as far as the hypervisor.
      driver: { type: 'QEMU' } satisfies Partial<HypervisorDriver> as never,
      image: asks,
      networkAgent: {} as never,
      baseImages: new BaseImages(folder),
      scratch: folder,
    });
    const sizes = { vcpus: 1, memoryMib: 16, rootGib: 1, ephemeralGib: 0, swapMib: 0 };
    const names = { serverId: randomUUID(), name: 'guest', projectId: 'p' };
    const error = await agent.build({ ...names, ...sizes, imageId, nics: [], configDrive: null }).then(
      () => assert.fail('it was built'),
      (thrown: Error) => thrown,
    );
    assert.deepEqual(await readdir(folder).catch(() => []), []);
    const { code, message } = faultOf(error);
    return [code, message];
  }
  const notFound = (id: string): [number, string] => [404, `Image ${id} could not be found.`];

  it('is not found by its name, before the host knows where it is', async () => {
    const id = await filled();
    await images.discard({ id });
    assert.deepEqual(await faultOfBuilding(images, id), notFound(id));
  });

  it('is not found by its name, before the host has opened its file', async () => {
    const id = await filled();
    const deleted = locatedThen((each) => images.discard({ id: each }));
    assert.deepEqual(await faultOfBuilding(deleted, id), notFound(id));
  });

  it('is not found by its name, where its bytes are gone before its record', async () => {
    const id = await filled();
    const losing = locatedThen((each) => rm(join(world.stateDir, 'image', 'images', each)));
    assert.deepEqual(await faultOfBuilding(losing, id), notFound(id));
  });

  it('is not found by its name, between two pieces of it', async () => {
    const id = await filled();
    let asked = 0;
    const read: ImageService['read'] = async (piece) => {
      if (asked++ === 1) await images.discard({ id });
      return images.read(piece);
    };
    const deleted = locatedThen(async () => {}, { elsewhere: true, read });
    assert.deepEqual(await faultOfBuilding(deleted, id), notFound(id));
    assert.equal(asked, 2);
  });

  for (const elsewhere of [false, true])
    it(`is fetched ${elsewhere ? 'piece by piece' : 'from its file'} where nobody deletes it`, async () => {
      const id = await filled();
      const asks = locatedThen(async () => {}, { elsewhere });
      const { path } = await baseImage(asks, new BaseImages(freshFolder()), id);
      assert.ok((await readFile(path)).equals(bytes));
    });
});
