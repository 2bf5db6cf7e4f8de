import { Type } from 'typebox';
import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Resource } from '../../../platform/resource/resource.ts';
import type { Identity } from '../identity.ts';
import { isEndpointUrl } from '../model/catalog.ts';
import { countedRows } from '../store/changes.ts';
import { newId } from '../store/new-id.ts';
import { type EndpointRow, endpoints, regions } from '../store/tables.ts';
import { assertUnmoved, Enabled, Id, keptExtra } from './fields.ts';
import { expecting } from './style.ts';

export const Interface = Type.Unsafe<'admin' | 'internal' | 'public'>({
  type: 'string',
  enum: ['admin', 'internal', 'public'],
});
const RegionId = Type.String({ minLength: 1, maxLength: 255 });
const Url = Type.String({ minLength: 1, maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' });

/** Where services are found. */
export function endpointResource(identity: Identity): Resource<EndpointRow> {
  const { store, changes, directory, atomically } = identity;
  const rows = countedRows(store, endpoints, changes);
  const regionRows = countedRows(store, regions, changes);

  /** A region that an endpoint names by the old word `region` is made; by `region_id` it must be there. */
  async function regionFor({
    region_id,
    region,
  }: {
    region_id?: string;
    region?: string;
  }): Promise<string | null> {
    const id = region_id ?? region;
    if (id === undefined) return null;
    if (await regionRows.find([{ column: 'id', op: 'eq', value: id }])) return id;
    if (region_id) throw expecting('endpoint region_id', 'region table');
    await regionRows.insert({ id });
    return id;
  }
  async function assertService(id: string): Promise<void> {
    const { services: known } = await directory.shared();
    if (!known.some((each) => each.id === id)) throw expecting('endpoint service_id', 'service table');
  }

  return identity.resource({
    one: 'endpoint',
    many: 'endpoints',
    path: '/endpoints',
    absenceFirst: ['show', 'update', 'delete'],
    rows,
    attributes: {
      id: { schema: Id },
      interface: { schema: Interface, create: 'required', update: true, filter: true },
      service_id: { schema: Id, create: 'required', update: true, filter: true },
      region_id: { schema: RegionId, create: 'optional', update: true, filter: true },
      region: {
        schema: RegionId,
        create: 'optional',
        update: true,
        column: 'region_id',
        filter: true,
      },
      url: { schema: Url, create: 'required', update: true },
      enabled: { schema: Enabled, create: 'optional', update: true, default: true },
    },
    policy: {
      list: 'identity:list_endpoints',
      show: 'identity:get_endpoint',
      create: 'identity:create_endpoint',
      update: 'identity:update_endpoint',
      delete: 'identity:delete_endpoint',
    },
    view: (view, row) => ({ ...row.extra, ...view }),
    create: (_call, body, extra) =>
      atomically(async () => {
        const { service_id, url, enabled } = body;
        if (!isEndpointUrl(url))
          throw new BadRequest(`Cannot create an endpoint with an invalid URL: ${url}.`);
        await assertService(service_id);
        return rows.insert({
          id: newId(),
          service_id,
          interface: body.interface,
          url,
          enabled,
          region_id: await regionFor(body),
          extra: keptExtra(extra),
        });
      }),
    update: (_call, row, given, extra) =>
      atomically(async () => {
        assertUnmoved(given, { id: row.id });
        const { service_id, url, enabled } = given;
        if (service_id !== undefined) await assertService(service_id);
        const moved = given.region_id !== undefined || given.region !== undefined;
        const changed: Partial<EndpointRow> = {
          extra: keptExtra(extra, row.extra),
          ...(service_id === undefined ? {} : { service_id }),
          ...(given.interface === undefined ? {} : { interface: given.interface }),
          ...(url === undefined ? {} : { url }),
          ...(enabled === undefined ? {} : { enabled }),
          ...(moved ? { region_id: await regionFor(given) } : {}),
        };
        await rows.update([{ column: 'id', op: 'eq', value: row.id }], changed);
        return { ...row, ...changed };
      }),
  });
}
