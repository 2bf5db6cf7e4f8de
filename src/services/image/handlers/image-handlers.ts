import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Authorizer } from '../../../platform/http/authorizer.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import type { ImageService } from '../api/image-service.ts';
import type { ImageService as ImageContract } from '../contract.ts';
import type { Image } from '../model/image.ts';
import { assertLimits } from '../model/limits.ts';
import { newImage } from '../model/new-image.ts';
import { askedFor } from './asked-for.ts';
import { toRecord } from './record.ts';

/** The most that one `read` answers: in base64 it is a message of some 6 MB. */
const mostRead = 4 * 1024 * 1024;

/** What other services ask of images, over the bus. Policy is theirs to ask; visibility is asked here. */
export function imageHandlers(service: ImageService, authorizer: Authorizer): ImageContract {
  const { images, members, stores, uploads, settings } = service;

  async function mayUse({ row }: Image, projectId: string | undefined): Promise<boolean> {
    if (row.owner === null || row.visibility === 'public' || row.visibility === 'community') return true;
    if (projectId === undefined) return false;
    if (row.owner === projectId) return true;
    return row.visibility === 'shared' && (await members.get(row.id, projectId)) !== undefined;
  }

  return {
    async image({ id, projectId, admin = false }) {
      const image = await images.get(id);
      if (!image || !(admin || (await mayUse(image, projectId)))) return null;
      return toRecord(image);
    },
    async locate({ id }) {
      const row = await images.row(id);
      if (!row || row.status !== 'active') return null;
      const path = stores
        .best(await images.locations(id))
        .map((location) => stores.get(location.store).pathOf?.(location.url))
        .find((each) => each !== undefined);
      return {
        path: path ?? null,
        size: row.size ?? 0,
        diskFormat: row.disk_format ?? 'raw',
        osHash:
          row.os_hash_algo !== null && row.os_hash_value !== null
            ? { algorithm: row.os_hash_algo, value: row.os_hash_value }
            : null,
      };
    },
    async read({ id, offset, length }) {
      if (!(offset >= 0 && length >= 0 && length <= mostRead))
        throw new BadRequest(`At most ${mostRead} bytes of an image are read at once.`);
      const row = await images.row(id);
      const [location, ...others] = stores.best(row?.status === 'active' ? await images.locations(id) : []);
      if (!location) throw new NotFound('image', id);
      const range = { start: offset, end: offset + length - 1 };
      const bytes = await stores.first([location, ...others], async (store, { url }) => {
        const near = length > 0 && (await service.cache?.open({ id, store: store.name }, range));
        return near ? near.bytes() : store.readAt(url, offset, length);
      });
      return { bytes: bytes.toString('base64') };
    },
    async create(args) {
      const id = args.id ?? randomUUID();
      const image = newImage(
        {
          id,
          name: args.name.slice(0, 255),
          owner: args.projectId,
          visibility: args.visibility ?? 'private',
          disk_format: args.diskFormat,
          container_format: args.containerFormat,
          min_disk: args.minDisk ?? 0,
          min_ram: args.minRam ?? 0,
        },
        args.properties,
        [],
      );
      assertLimits(image, settings);
      try {
        await images.insert(image);
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        const before = await images.row(id);
        if (before?.owner !== args.projectId) throw new Conflict(`Image ID ${id} already exists!`);
        return { id };
      }
      service.notify('image.create', image);
      return { id };
    },
    async store({ id, path }) {
      const row = await images.row(id);
      if (!row) throw new NotFound('image', id);
      if (row.status === 'active') return;
      const file = await open(path).catch((cause: unknown) => {
        throw new BadRequest(`The file of image ${id} cannot be read.`, { cause });
      });
      const bytes = file.createReadStream({ highWaterMark: 1024 * 1024 });
      try {
        await uploads.fill(id, bytes);
      } finally {
        bytes.destroy();
      }
      const filled = await images.get(id);
      if (filled) service.notify('image.upload', filled);
    },
    ...askedFor(service, authorizer),
    async discard({ id }) {
      const image = await images.get(id);
      await images.bury(id);
      await service.removeData(id);
      if (image) service.notify('image.delete', image);
    },
  };
}
