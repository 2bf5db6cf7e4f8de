import { BadRequest, Forbidden, NotFound } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { ImageListQuery, ImageRecord } from '../../image/contract.ts';
import type { Compute } from '../compute.ts';
import { briefImage, shownImage } from './image-view.ts';
import { mostItems, pageLinks, pageOf } from './style.ts';

/** From 2.36 on, clients ask the image service itself. */
const until = '2.35';

const propertyFilter = 'property-';

/** An image that is not there, in compute's words. */
export const asImageNotFound = (error: unknown): never => {
  if (error instanceof NotFound) throw new NotFound('Image not found.');
  throw error;
};

function queryOf(call: Call): ImageListQuery {
  const { limit, marker } = pageOf(call);
  const number = (name: string): number | undefined => {
    const text = call.queryValue(name);
    if (text !== undefined && !/^\d{1,9}$/.test(text)) throw new BadRequest(`Invalid ${name}`);
    return text === undefined ? undefined : Number(text);
  };
  const name = call.queryValue('name');
  const status = call.queryValue('status')?.toLowerCase();
  const minDisk = number('minDisk');
  const minRam = number('minRam');
  const changedSince = call.queryValue('changes-since');
  if (changedSince !== undefined && Number.isNaN(Date.parse(changedSince)))
    throw new BadRequest('Invalid changes-since value');
  const properties: Record<string, string> = {};
  for (const param of Object.keys(call.query))
    if (param.startsWith(propertyFilter))
      properties[param.slice(propertyFilter.length)] = call.queryValue(param) ?? '';
  // A server may be named by any of its links.
  const server = call.queryValue('server')?.split('/').at(-1);
  if (server !== undefined) properties['instance_uuid'] = server;
  const type = call.queryValue('type');
  if (type !== undefined) properties['image_type'] = type;
  return {
    limit: limit ?? mostItems,
    properties,
    ...(marker === undefined ? {} : { marker }),
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(minDisk === undefined ? {} : { minDisk }),
    ...(minRam === undefined ? {} : { minRam }),
    ...(changedSince === undefined ? {} : { changedSince }),
  };
}

/** Images as compute has shown them since before there was an image service: the image service's own answer for all. */
export function imageRoutes({ image, platform: { portOffset } }: Compute): Route[] {
  const idOf = (call: Call): string => call.params['id'] ?? '';
  const list = (view: typeof briefImage) => async (call: Call) => {
    const asked = queryOf(call);
    const images: ImageRecord[] = await image.list(asked);
    return {
      images: images.map((each) => view(each, call, portOffset)),
      ...pageLinks('images', images.at(-1)?.id, images.length === asked.limit, call),
    };
  };
  return [
    route({
      method: 'GET',
      path: '/v2.1/images',
      until,
      summary: 'List images',
      handler: list(briefImage),
    }),
    route({
      method: 'GET',
      path: '/v2.1/images/detail',
      until,
      summary: 'List images with all their attributes',
      handler: list(shownImage),
    }),
    route({
      method: 'GET',
      path: '/v2.1/images/:id',
      until,
      summary: 'Show an image',
      handler: async (call) => {
        const found = await image.show({ id: idOf(call) }).catch(asImageNotFound);
        return { image: shownImage(found, call, portOffset) };
      },
    }),
    route({
      method: 'DELETE',
      path: '/v2.1/images/:id',
      until,
      summary: 'Delete an image',
      handler: async (call) => {
        await image.remove({ id: idOf(call) }).catch((error: unknown) => {
          if (error instanceof Forbidden) throw new Forbidden('You are not allowed to delete the image.');
          return asImageNotFound(error);
        });
        return answer(204);
      },
    }),
  ];
}
