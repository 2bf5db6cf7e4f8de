import { randomUUID } from 'node:crypto';
import { BadRequest, Conflict } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Image } from '../model/image.ts';
import { type ImportRequest, parseImportRequest } from '../model/import-request.ts';
import { failedImport, importingToStores } from '../model/reserved.ts';
import { mayFetch } from '../model/uri-filter.ts';
import type { Seen } from './access.ts';
import { assertFree, beginImport, stagedElsewhereOn } from './begin-import.ts';
import { assertBytes, sizeOf } from './image-data.ts';
import type { ImageService } from './image-service.ts';
import { mebibytes } from './quotas.ts';

/** Staging of images, and imports: a task and a flow each. */
export function imageImportRoutes(service: ImageService): Route[] {
  const { access, quotas, settings, store, stores, uploads } = service;

  async function stage(call: Call): Promise<void> {
    const { projectId } = call.credentials;
    const size = sizeOf(call);
    await quotas.enforce(projectId, 'image_stage_total', mebibytes(size));
    const seen = await access.see(call, call.params['id'] as string);
    access.enforce(call, 'modify_image', seen);
    assertBytes(call);
    await uploads.stage(seen.image.row.id, call.stream, {
      size,
      admit: () => quotas.enforce(projectId, 'image_count_uploading'),
    });
  }

  async function importImage(call: Call<unknown>) {
    if (call.body === undefined) throw new BadRequest('Body expected in request.');
    const request = parseImportRequest(call.body, settings.enabled_import_methods);
    const { projectId } = call.credentials;
    await quotas.enforce(projectId, 'image_size_total');
    const taskId = randomUUID();
    const stageAnswers = await answersForStage(call.params['id'] as string, request);
    const ask = async (): Promise<boolean> => {
      const seen = await access.see(call, call.params['id'] as string);
      const { image } = seen;
      assertState(image, request);
      enforceImport(call, seen, request);
      await assertFree(service, image);
      const names = storesFor(call, image, request);
      if (names.length === 0) {
        // All of them have it. Who waits for the copy is told that none is on its way.
        await service.images.setReserved(image.row.id, { [importingToStores]: '', [failedImport]: '' });
        return false;
      }
      if (request.method.name === 'web-download' && !mayFetch(request.method.uri, settings))
        throw new BadRequest(`URI for web-download does not pass filtering: ${String(request.method.uri)}`);
      const { method, allStoresMustSucceed: mustSucceed } = request;
      await beginImport(service, call.credentials, image, {
        taskId,
        type: 'api_image_import',
        asked: { image_id: image.row.id, import_req: call.body as object, backend: names },
        method: method.name,
        uri: method.name === 'web-download' ? String(method.uri) : null,
        source: method.name === 'glance-download' ? sourceOf(method) : null,
        stores: names,
        mustSucceed,
        stageAnswers,
      });
      await enforceQuotas(projectId, image, request);
      return true;
    };
    // The flow begins as soon as all is written: what it needs and may not be stored is there before.
    if (call.token !== undefined && request.method.name === 'glance-download')
      service.tokens.set(taskId, call.token);
    let begun = false;
    try {
      begun = await store.transaction(ask);
    } finally {
      if (!begun) service.tokens.delete(taskId);
    }
    return answer(202);
  }

  /** Asked before the transaction, which must not wait for another host. */
  async function answersForStage(id: string, { method }: ImportRequest): Promise<boolean> {
    const image = method.name === 'glance-direct' ? await service.images.get(id) : undefined;
    const host = image ? stagedElsewhereOn(service, method.name, image.properties) : null;
    return host !== null && service.elsewhere.has(host, id);
  }

  function enforceImport(call: Call, seen: Seen, { method }: ImportRequest): void {
    access.enforce(call, method.name === 'copy-image' ? 'copy_image' : 'modify_image', seen);
  }

  function storesFor(call: Call, image: Image, request: ImportRequest): string[] {
    const header = call.headers['x-image-meta-store'];
    const { allStores } = request;
    if (allStores && (request.stores !== undefined || header !== undefined))
      throw new BadRequest(
        "All_stores parameter can't be used with x-image-meta-store header or stores parameter",
      );
    if (request.stores !== undefined && header !== undefined)
      throw new BadRequest("Stores parameter and x-image-meta-store header can't be both specified");
    const writable = stores.all().filter(({ readOnly }) => !readOnly);
    const names = allStores
      ? writable.map(({ name }) => name)
      : (request.stores ?? [typeof header === 'string' ? header : stores.default().name]);
    for (const name of names)
      if (!stores.has(name)) throw new Conflict(`Store for identifier ${name} not found`);
    if (names.length === 0) throw new BadRequest('At least one store is needed.');
    for (const name of names)
      if (stores.get(name).readOnly) throw new Conflict(`Store ${name} is read only.`);
    if (request.method.name !== 'copy-image') return names;
    if (allStores) return names.filter((name) => !image.stores.includes(name));
    const present = names.find((name) => image.stores.includes(name));
    if (present !== undefined) throw new BadRequest(`Image is already present at store '${present}'`);
    return names;
  }

  async function enforceQuotas(
    projectId: string | undefined,
    { row }: Image,
    { method }: ImportRequest,
  ): Promise<void> {
    if (method.name === 'glance-direct')
      return quotas.enforce(projectId, 'image_size_total', mebibytes(row.size));
    await quotas.enforce(projectId, 'image_stage_total', mebibytes(row.size));
    await quotas.enforce(projectId, 'image_count_uploading');
  }

  return [
    route({
      method: 'PUT',
      path: '/images/:id/stage',
      summary: "Stage an image's bytes",
      streams: true,
      handler: stage,
    }),
    route({ method: 'POST', path: '/images/:id/import', summary: 'Import an image', handler: importImage }),
  ];
}

const sourceOf = ({ glance_image_id, glance_region, glance_service_interface }: ImportRequest['method']) => ({
  imageId: glance_image_id ?? '',
  region: glance_region ?? '',
  interface: glance_service_interface ?? 'public',
});

/** @throws Conflict in glance's words and order */
function assertState({ row }: Image, { method: { name } }: ImportRequest): void {
  const { status } = row;
  if (status === 'active' && name !== 'copy-image')
    throw new Conflict('Image with status active cannot be target for import');
  if (status !== 'active' && name === 'copy-image')
    throw new Conflict('Only images with status active can be targeted for copying');
  if (status !== 'queued' && (name === 'web-download' || name === 'glance-download'))
    throw new Conflict(`Image needs to be in 'queued' state to use '${name}' method`);
  // An upload id: the bytes are still coming.
  if ((status !== 'uploading' || row.upload_id !== null) && name === 'glance-direct')
    throw new Conflict("Image needs to be staged before 'glance-direct' method can be used");
  for (const kind of ['container_format', 'disk_format'] as const)
    if (!row[kind]) throw new Conflict(`'${kind}' needs to be set before import`);
}
