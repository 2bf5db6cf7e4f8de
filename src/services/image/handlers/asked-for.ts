import { currentContext } from '../../../platform/context/context.ts';
import { BadRequest, Forbidden, Unauthorized } from '../../../platform/errors/errors.ts';
import type { Authorizer } from '../../../platform/http/authorizer.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { type Asker, isAdmin } from '../api/access.ts';
import { type ImageWhere, knownTo, listedUnasked, withProperty } from '../api/image-list.ts';
import type { ImageService } from '../api/image-service.ts';
import { isReserved, parsePatch } from '../api/json-patch.ts';
import { removeImage } from '../api/remove-image.ts';
import { imageProperties } from '../api/schemas.ts';
import type { ImageService as ImageContract } from '../contract.ts';
import { assertLimits } from '../model/limits.ts';
import { applyChanges } from '../model/patch.ts';
import { ownProperties } from '../model/reserved.ts';
import { toRecord } from './record.ts';

const mostListed = 1000;

/** What other services do with images for somebody: with the rights that this somebody has here. */
export function askedFor(
  service: ImageService,
  authorizer: Authorizer,
): Pick<ImageContract, 'list' | 'show' | 'remove' | 'setProperties'> {
  const { store, images, access, settings } = service;

  function asker(): Asker {
    const { credentials } = currentContext();
    if (!credentials) throw new Unauthorized();
    return {
      credentials,
      can: (rule, target = {}) => authorizer.check(rule, credentials, target),
      enforce: (rule, target = {}) => authorizer.enforce(rule, credentials, target),
    };
  }

  return {
    async list({ name, status, minDisk, minRam, changedSince, properties = {}, limit, marker }) {
      const by = asker();
      const { projectId } = by.credentials;
      by.enforce('get_images', { project_id: projectId });
      const where: ImageWhere[] = [
        { column: 'os_hidden', op: 'eq', value: false },
        listedUnasked(projectId),
        ...Object.entries(properties).map(([key, value]) => withProperty(store, key, value)),
      ];
      if (!isAdmin(by)) where.push(knownTo(store, projectId));
      if (name !== undefined) where.push({ column: 'name', op: 'eq', value: name });
      if (status !== undefined) where.push({ column: 'status', op: 'eq', value: status });
      if (minDisk !== undefined) where.push({ column: 'min_disk', op: 'eq', value: minDisk });
      if (minRam !== undefined) where.push({ column: 'min_ram', op: 'eq', value: minRam });
      if (changedSince !== undefined)
        where.push({ column: 'updated_at', op: 'gte', value: timestamp(new Date(changedSince)) });
      const after =
        marker === undefined
          ? undefined
          : await access.see(by, marker).catch(() => {
              throw new BadRequest(`Marker ${marker} could not be found.`);
            });
      if (limit < 1) return [];
      const found = await images.list({
        where,
        sort: [
          { column: 'created_at', direction: 'desc' },
          { column: 'id', direction: 'desc' },
        ],
        limit: Math.min(limit, mostListed),
        ...(after ? { after: after.image.row } : {}),
      });
      return found.map(toRecord);
    },
    show: async ({ id }) => toRecord((await access.see(asker(), id)).image),
    remove: ({ id }) => removeImage(service, asker(), id),
    async setProperties({ id, properties }) {
      const by = asker();
      const theirs = Object.keys(properties).find(
        (name) => Object.hasOwn(imageProperties, name) || isReserved(name),
      );
      if (theirs !== undefined) throw new Forbidden(`Attribute '${theirs}' is reserved.`);
      const changed = await store.transaction(async () => {
        const seen = await access.see(by, id);
        access.enforce(by, 'modify_image', seen);
        const gone = Object.keys(ownProperties(seen.image.properties)).filter(
          (name) => !Object.hasOwn(properties, name),
        );
        const changes = parsePatch(
          [
            ...gone.map((name) => ({ op: 'remove', path: pointerTo(name) })),
            ...Object.entries(properties).map(([name, value]) => ({
              op: 'add',
              path: pointerTo(name),
              value,
            })),
          ],
          10,
        );
        const image = applyChanges(seen.image, changes);
        assertLimits(image, settings);
        await images.save(seen.image, image);
        return { ...image, row: { ...image.row, updated_at: timestamp() } };
      });
      service.notify('image.update', changed);
      return toRecord(changed);
    },
  };
}

/** A JSON pointer of one part. */
const pointerTo = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
