import { Readable } from 'node:stream';
import { ApiError, BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { asDetail } from '../model/detail.ts';
import { isAdmin } from './access.ts';
import type { ImageService } from './image-service.ts';
import { mebibytes } from './quotas.ts';
import { unsupported } from './style.ts';

/** The states in which an image's bytes are whole; while it is imported to several stores, some may have them before. */
const ready = new Set(['active', 'deactivated', 'pending_delete']);

/** Bytes from `start` to `end`, both of them included. */
interface Range {
  start: number;
  end: number;
}

export function imageDataRoutes(service: ImageService): Route[] {
  const { access, images, quotas, stores, uploads } = service;

  async function upload(call: Call) {
    const { projectId } = call.credentials;
    const size = sizeOf(call);
    await quotas.enforce(projectId, 'image_size_total', mebibytes(size));
    const seen = await access.see(call, call.params['id'] as string);
    access.enforce(call, 'upload_image', seen);
    assertBytes(call);
    const store = call.headers['x-image-meta-store'];
    if (typeof store === 'string' && !stores.has(store))
      throw new BadRequest(`Store for identifier ${store} not found`);
    const { id } = seen.image.row;
    await uploads.fill(id, call.stream, {
      size,
      admit: () => quotas.enforce(projectId, 'image_count_uploading'),
      ...(typeof store === 'string' ? { store } : {}),
    });
    const filled = await images.get(id);
    if (filled) service.notify('image.upload', filled);
  }

  async function download(call: Call) {
    const seen = await access.see(call, call.params['id'] as string);
    const { row } = seen.image;
    if (row.status === 'deactivated' && !isAdmin(call))
      throw new Forbidden('The requested image has been deactivated. Image data download is forbidden.');
    access.enforce(call, 'download_image', seen);
    const [location, ...others] = stores.best(ready.has(row.status) ? await images.locations(row.id) : []);
    // Nothing is there to be downloaded yet: upstream says so without an error.
    if (!location || row.size === null) return answer(204);
    const range = rangeOf(call, row.size);
    const { start, end } = range ?? { start: 0, end: row.size - 1 };
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      'content-length': String(end - start + 1),
      ...(row.checksum ? { 'content-md5': row.checksum } : {}),
      ...(range ? { 'content-range': `bytes ${start}-${end}/${row.size}` } : {}),
    };
    const status = range ? 206 : 200;
    // Asked for the headers only, or for an image of no bytes: nothing is opened.
    if (call.method === 'HEAD' || row.size === 0) return answer(status, Readable.from([]), headers);
    const bytes = await stores.first(
      [location, ...others],
      async (store, { url }) =>
        (await service.cache?.open({ id: row.id, store: store.name }, { start, end })) ??
        (await (store.open ?? store.read)(url, { start, end })),
    );
    return answer(status, bytes, headers);
  }

  return [
    route({
      method: 'PUT',
      path: '/images/:id/file',
      summary: "Upload an image's bytes",
      streams: true,
      handler: upload,
    }),
    route({
      method: 'GET',
      path: '/images/:id/file',
      summary: "Download an image's bytes",
      handler: download,
    }),
  ];
}

/** @throws UnsupportedMediaType for a body that is not said to be bytes */
export function assertBytes({ headers }: Call): void {
  const contentType = headers['content-type'];
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/octet-stream')
    throw unsupported(contentType);
}

/** How many bytes the client says will come. @throws BadRequest */
export function sizeOf({ headers }: Call): number | undefined {
  const said = headers['x-openstack-image-size'] ?? headers['content-length'];
  if (said === undefined) return undefined;
  if (!/^\d{1,15}$/.test(String(said)))
    throw new BadRequest('Invalid or missing image size in request headers.');
  return Number(said);
}

/**
 * What part of an image is asked for; `undefined` for all of it.
 *
 * @throws ApiError 416 for a range outside of the image, BadRequest for several ranges
 */
export function rangeOf({ headers }: Pick<Call, 'headers'>, size: number): Range | undefined {
  const { range } = headers;
  if (range === undefined) return undefined;
  if (range.includes(','))
    throw new BadRequest(
      'Requests with multiple ranges are not supported in Glance. You may make multiple single-range requests instead.',
    );
  const [, first = '', last = ''] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(range) ?? [];
  if (first === '' && last === '') throw unsatisfiable('Invalid Range header.', size);
  if (first === '') {
    // `bytes=-5`: the last five.
    if (Number(last) === 0 || size === 0) throw unsatisfiable('Invalid Range header.', size);
    return { start: Math.max(0, size - Number(last)), end: size - 1 };
  }
  const start = Number(first);
  if (start >= size)
    throw unsatisfiable(
      `Invalid start position in Range header. Start position MUST be in the inclusive range [0, ${size - 1}].`,
      size,
    );
  if (last !== '' && Number(last) < start) throw unsatisfiable('Invalid Range header.', size);
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

const unsatisfiable = (message: string, size: number): ApiError =>
  new ApiError(416, message, { ...asDetail, headers: { 'content-range': `bytes */${size}` } });
