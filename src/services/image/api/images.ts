import { randomUUID } from 'node:crypto';
import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { UniqueViolation } from '../../../platform/store/errors.ts';
import { timestamp } from '../../../platform/store/table.ts';
import { asDetail } from '../model/detail.ts';
import type { ImageRow } from '../model/image.ts';
import { assertLimits } from '../model/limits.ts';
import { newImage } from '../model/new-image.ts';
import { applyChanges } from '../model/patch.ts';
import { storedProperty } from '../model/property.ts';
import type { LocationRow } from '../store/tables.ts';
import { isAdmin } from './access.ts';
import { assertMayList, queryWithout, readListQuery } from './image-list.ts';
import type { ImageService } from './image-service.ts';
import { imageViews } from './image-view.ts';
import { assertImage, isReserved, parsePatch, readOnlyAttribute, reservedAttribute } from './json-patch.ts';
import { type Look, locationChanges, looksAtLocations } from './patch-locations.ts';
import { removeImage } from './remove-image.ts';
import { imageBody } from './schemas.ts';
import { unsupported } from './style.ts';

const patchTypes: Record<string, 4 | 10> = {
  'application/openstack-images-v2.0-json-patch': 4,
  'application/openstack-images-v2.1-json-patch': 10,
};

/** Asked for at a create, these are refused before anything else is looked at. */
const disallowed = ['direct_url', 'self', 'file', 'schema', 'stores'];
const readOnlyAtCreate = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'size',
  'virtual_size',
];
const settable = [
  'id',
  'name',
  'visibility',
  'owner',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'protected',
  'os_hidden',
] as const;

export function imageRoutes(service: ImageService): Route[] {
  const { images, access, quotas, settings, store } = service;
  const view = imageViews(service);
  const arrange = locationChanges(service);

  async function create(call: Call<unknown>) {
    if (call.body === undefined) throw new BadRequest('Body expected in request.');
    const { given, properties, tags } = readNewImage(call.body);
    const { projectId } = call.credentials;
    const owner = given.owner === undefined ? (projectId ?? null) : given.owner;
    const target = { project_id: owner, owner, visibility: given.visibility ?? 'private' };
    if (!call.can('add_image', target) && owner !== (projectId ?? null))
      throw new Forbidden(`You are not permitted to create images owned by '${owner}'`, asDetail);
    call.enforce('add_image', target);
    enforceVisibility(call, target.visibility, target);
    const image = newImage(
      { ...given, id: given.id?.toLowerCase() ?? randomUUID(), owner },
      properties,
      tags,
    );
    assertLimits(image, settings);
    try {
      await store.transaction(async () => {
        await quotas.enforce(projectId, 'image_count_total', 1);
        await images.insert(image);
      });
    } catch (error) {
      if (error instanceof UniqueViolation) throw new Conflict(`Image ID ${image.row.id} already exists!`);
      throw error;
    }
    service.notify('image.create', image);
    return answer(201, view(image, call), {
      location: `${call.origin}/v2/images/${image.row.id}`,
      'openstack-image-store-ids': service.stores.names().join(','),
      ...(settings.enabled_import_methods.length > 0
        ? { 'openstack-image-import-methods': settings.enabled_import_methods.join(',') }
        : {}),
    });
  }

  async function list(call: Call) {
    assertMayList(call);
    const { limit, marker, sort, where } = readListQuery(call, store);
    const after = marker === undefined ? undefined : await markerRow(call, marker);
    const found = limit === 0 ? [] : await images.list({ where, sort, limit, ...(after ? { after } : {}) });
    const last = found.length === limit ? found.at(-1) : undefined;
    const query = queryWithout(call, 'marker');
    const first = query.size > 0 ? `/v2/images?${query}` : '/v2/images';
    if (last) query.append('marker', last.row.id);
    return {
      images: found.map((each) => view(each, call)),
      first,
      ...(last ? { next: `/v2/images?${query}` } : {}),
      schema: '/v2/schemas/images',
    };
  }

  async function markerRow(call: Call, marker: string): Promise<ImageRow> {
    try {
      return (await access.see(call, marker)).image.row;
    } catch {
      throw new BadRequest(`No image found with ID ${marker}`);
    }
  }

  async function update(call: Call<unknown>) {
    const contentType = call.headers['content-type'];
    const draft = patchTypes[contentType?.split(';')[0]?.trim().toLowerCase() ?? ''];
    if (!draft) throw unsupported(contentType, { 'accept-patch': Object.keys(patchTypes).join(', ') });
    if (call.body === undefined) throw new BadRequest('Body expected in request.');
    const changes = parsePatch(call.body, draft);
    const located = settings.show_multiple_locations
      ? changes.filter(({ root }) => root === 'locations')
      : [];
    const others = changes.filter((change) => !located.includes(change));
    const lookedAt = looksAtLocations(service);
    const work = async (look: Look) => {
      const seen = await access.see(call, call.params['id'] as string);
      for (const { root, op, value } of others) {
        if (root === 'owner' && op !== 'remove' && !isAdmin(call))
          throw new Forbidden("Owner can't be updated by non admin.", asDetail);
        if (root === 'visibility' && op !== 'remove') enforceVisibility(call, value as string, seen.target);
        access.enforce(call, 'modify_image', seen);
      }
      const image = applyChanges(seen.image, others);
      assertLimits(image, settings);
      const arranged = await arrange(call, seen, image, located, look);
      return { before: seen.image, image: { ...image, row: { ...image.row, ...arranged.row } }, ...arranged };
    };
    // The web may be slow, and nobody waits for it within a transaction: all is gone through once before.
    if (located.length > 0) await work(lookedAt.look);
    let abandoned: readonly LocationRow[] = [];
    const changed = await store.transaction(async () => {
      const { before, image, places, removed } = await work(lookedAt.recall);
      if (changes.length === 0) return image;
      await images.save(before, image);
      if (located.length === 0) return { ...image, row: { ...image.row, updated_at: timestamp() } };
      const present = await images.locations(image.row.id);
      abandoned = present.filter(({ id }) => removed.includes(id));
      for (const location of abandoned) await images.abandonLocation(location);
      await images.arrangeLocations(image.row.id, places);
      return (await access.see(call, image.row.id)).image;
    });
    for (const location of abandoned) await service.removeLocation({ ...location, status: 'pending_delete' });
    service.notify('image.update', changed);
    return view(changed, call);
  }

  return [
    route({
      method: 'POST',
      path: '/images',
      summary: 'Create an image',
      documented: imageBody,
      handler: create,
    }),
    route({ method: 'GET', path: '/images', summary: 'List images', handler: list }),
    route({
      method: 'GET',
      path: '/images/:id',
      summary: 'Show an image',
      handler: async (call) => view((await access.see(call, call.params['id'] as string)).image, call),
    }),
    route({ method: 'PATCH', path: '/images/:id', summary: 'Update an image', handler: update }),
    route({
      method: 'DELETE',
      path: '/images/:id',
      summary: 'Delete an image',
      handler: (call) => removeImage(service, call, call.params['id'] as string),
    }),
  ];
}

/** Making an image public or a community's has a policy of its own. */
function enforceVisibility(call: Call, visibility: string, target: object): void {
  if (visibility === 'public') call.enforce('publicize_image', target);
  if (visibility === 'community') call.enforce('communitize_image', target);
}

type Given = Partial<Pick<ImageRow, (typeof settable)[number]>>;

/** @throws BadRequest, Forbidden in glance's words, in glance's order */
function readNewImage(body: unknown): {
  given: Given;
  properties: Record<string, string>;
  tags: string[];
} {
  const said = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  for (const name of disallowed) if (Object.hasOwn(said, name)) throw readOnlyAttribute(name);
  assertImage(body);
  const given: Record<string, unknown> = {};
  const properties: Record<string, string> = {};
  let tags: string[] = [];
  for (const [name, value] of Object.entries(said)) {
    if (name === 'tags') tags = [...new Set(value as string[])];
    else if ((settable as readonly string[]).includes(name)) given[name] = value;
    else if (readOnlyAtCreate.includes(name)) throw readOnlyAttribute(name);
    else if (isReserved(name) || name === 'locations') throw reservedAttribute(name);
    else properties[name] = storedProperty(value);
  }
  return { given: given as Given, properties, tags };
}
