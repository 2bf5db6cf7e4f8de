import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { BadRequest, Conflict, NotFound, NotImplemented } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { type Aggregate, aggregateHosts, aggregates } from '../store/aggregates.ts';
import { zonesByHost } from '../store/host-states.ts';
import { serversOn } from '../store/hosts.ts';
import { nextNumber } from '../store/numbers.ts';
import { computeNodes } from '../store/services.ts';
import { joinInPlacement, leaveInPlacement } from './aggregate-membership.ts';
import { AvailabilityZoneName, closed, HostName, metadataOf, Name, wrapped } from './parameter-types.ts';
import { shownTime } from './query.ts';

const Zone = Type.Union([AvailabilityZoneName, Type.Null()]);
const Create = wrapped('aggregate', closed({ name: Name, availability_zone: Type.Optional(Zone) }));
const Update = wrapped(
  'aggregate',
  Type.Object(
    {
      name: Type.Optional(Type.String({ minLength: 1, maxLength: 255, pattern: '\\S' })),
      availability_zone: Type.Optional(Zone),
    },
    { additionalProperties: false, minProperties: 1 },
  ),
);
const Action = Type.Union([
  wrapped('add_host', closed({ host: HostName })),
  wrapped('remove_host', closed({ host: HostName })),
  wrapped(
    'set_metadata',
    closed({ metadata: metadataOf(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])) }),
  ),
]);
const Images = closed({
  cache: Type.Array(closed({ id: Type.String({ format: 'uuid' }) }), { minItems: 1, maxItems: 1000 }),
});
type Metadata = Record<string, string | null>;

/** The key of the metadata that makes an aggregate an availability zone. */
const zoneKey = 'availability_zone';
const rule = (verb: string): string => `os_compute_api:os-aggregates:${verb}`;

/** Hosts that have something in common, for administrators; some of them are availability zones. */
export function aggregateRoutes(compute: Compute): Route[] {
  const { store } = compute;
  const rows = repository(store, aggregates);
  const members = repository(store, aggregateHosts);

  async function find(call: Call): Promise<Aggregate> {
    const id = call.params['id'] as string;
    if (!/^-?\d{1,15}$/.test(id)) throw new BadRequest('id must be an integer');
    const row = await rows.find({ number: Number(id) });
    if (!row) throw new NotFound(`Aggregate ${id} could not be found.`);
    return row;
  }

  const hostsOf = async ({ id }: Aggregate): Promise<string[]> =>
    (await members.list({ where: { aggregate_id: id } })).map(({ host }) => host);

  const summary = (row: Aggregate, call: Call) => ({
    id: row.number,
    ...(call.since('2.41') ? { uuid: row.id } : {}),
    name: row.name,
    availability_zone: row.metadata[zoneKey] ?? null,
    created_at: shownTime(row.created_at),
    updated_at: shownTime(row.updated_at),
    deleted: false,
    deleted_at: null,
  });
  const view = (row: Aggregate, hosts: string[], call: Call) => ({
    ...summary(row, call),
    hosts,
    metadata: row.metadata,
  });
  const shown = async (row: Aggregate, call: Call) => ({ aggregate: view(row, await hostsOf(row), call) });

  async function assertNameFree(name: string, own?: string): Promise<void> {
    const taken = await rows.find({ name });
    if (taken && taken.id !== own) throw new Conflict(`Aggregate ${name} already exists.`);
  }

  /** The zones of other aggregates that these hosts are in. */
  async function otherZones(row: Aggregate, hosts: string[]): Promise<string[]> {
    const others = await store.db
      .selectFrom('aggregate_hosts')
      .innerJoin('aggregates', 'aggregates.id', 'aggregate_hosts.aggregate_id')
      .select('aggregates.metadata')
      .where('aggregate_hosts.host', 'in', [...hosts, ''])
      .where('aggregates.id', '<>', row.id)
      .execute();
    return others.flatMap(({ metadata }) => (metadata[zoneKey] ? [metadata[zoneKey]] : []));
  }

  /** A host is in one zone at most, and servers do not change theirs. @throws what `refuse` gives */
  async function assertZone(
    row: Aggregate,
    zone: string | null | undefined,
    hosts: string[],
    refuse: (why: string) => Error,
  ): Promise<void> {
    if (zone === undefined) return;
    if (!zone) throw refuse(`Aggregate ${row.name} does not support empty named availability zone`);
    const conflicting = (await otherZones(row, hosts)).filter((other) => other !== zone);
    if (conflicting.length > 0) {
      throw refuse(`One or more hosts already in availability zone(s) ${conflicting.join(', ')}`);
    }
  }

  async function assertZoneMayChange(row: Aggregate, zone: string | null | undefined, call: Call) {
    const refuse = (why: string) =>
      new BadRequest(`Cannot update aggregate ${call.params['id']}. Reason: ${why}.`);
    const hosts = await hostsOf(row);
    await assertZone(row, zone, hosts, refuse);
    if (zone !== undefined && zone !== row.metadata[zoneKey] && (await serversOn(store, hosts)) > 0) {
      throw refuse('One or more hosts contain instances in this zone');
    }
  }

  const write = async (row: Aggregate, changes: Partial<Aggregate>): Promise<Aggregate> => {
    const all = { ...changes, updated_at: timestamp() };
    await rows.update({ id: row.id }, all);
    return { ...row, ...all };
  };

  async function addHost(call: Call, host: string): Promise<Aggregate> {
    const id = call.params['id'];
    const refuse = (why: string) => new Conflict(`Cannot add host to aggregate ${id}. Reason: ${why}.`);
    const joined = await store.transaction(async () => {
      const row = await find(call);
      if (!(await repository(store, computeNodes).find({ host }))) {
        throw new NotFound(`Compute host ${host} could not be found.`);
      }
      if ((await hostsOf(row)).includes(host)) {
        throw new Conflict(`Aggregate ${id} already has host ${host}.`);
      }
      const zone = row.metadata[zoneKey];
      await assertZone(row, zone, [host], refuse);
      const present = (await zonesByHost(store)).get(host);
      if (zone && present !== zone && (await serversOn(store, [host])) > 0) {
        throw refuse('the host has servers, whose availability zone cannot change');
      }
      await members.insert({ aggregate_id: row.id, host });
      return row;
    });
    await joinInPlacement(compute, joined.id, host);
    return joined;
  }

  /** Placement first: were it the last to know and failed, nobody could try again. */
  async function removeHost(call: Call, host: string): Promise<Aggregate> {
    const id = call.params['id'];
    const leaving = async (): Promise<Aggregate> => {
      const row = await find(call);
      if (!(await hostsOf(row)).includes(host)) {
        throw new NotFound(`Cannot remove host ${host} in aggregate ${id}`);
      }
      const zone = row.metadata[zoneKey];
      const left = await otherZones(row, [host]);
      if (zone && !left.includes(zone) && (await serversOn(store, [host])) > 0) {
        throw new Conflict(
          `Cannot remove host from aggregate ${id}. Reason: the host has servers, whose availability zone cannot change.`,
        );
      }
      return row;
    };
    const before = await store.transaction(leaving);
    await leaveInPlacement(compute, before.id, host);
    try {
      return await store.transaction(async () => {
        const row = await leaving();
        await members.delete({ aggregate_id: row.id, host });
        return row;
      });
    } catch (error) {
      // A server has come meanwhile: the host stays.
      if (error instanceof Conflict) await joinInPlacement(compute, before.id, host);
      throw error;
    }
  }

  const setMetadata = (call: Call, metadata: Metadata): Promise<Aggregate> =>
    store.transaction(async () => {
      const row = await find(call);
      await assertZoneMayChange(row, metadata[zoneKey], call);
      return write(row, { metadata: merged(row.metadata, metadata) });
    });

  const path = '/v2.1/os-aggregates';
  const item = `${path}/:id`;
  return [
    route({
      method: 'GET',
      path,
      summary: 'List aggregates',
      policy: rule('index'),
      async handler(call) {
        const all = await rows.list({ sort: [{ column: 'number', direction: 'asc' }] });
        const hosts = Map.groupBy(await members.list(), ({ aggregate_id }) => aggregate_id);
        const views = all.map((row) =>
          view(
            row,
            (hosts.get(row.id) ?? []).map(({ host }) => host),
            call,
          ),
        );
        return { aggregates: views };
      },
    }),
    route({
      method: 'POST',
      path,
      summary: 'Create an aggregate',
      policy: rule('create'),
      body: Create,
      async handler(call) {
        const { name, availability_zone: zone } = call.body.aggregate;
        const row = await store.transaction(async () => {
          await assertNameFree(name);
          const made = {
            id: randomUUID(),
            number: await nextNumber(store, 'aggregates'),
            name,
            metadata: (zone ? { [zoneKey]: zone } : {}) as Record<string, string>,
            created_at: timestamp(),
            updated_at: null,
          };
          await rows.insert(made);
          return made;
        });
        return { aggregate: summary(row, call) };
      },
    }),
    route({
      method: 'GET',
      path: item,
      summary: 'Show an aggregate',
      policy: rule('show'),
      handler: async (call) => shown(await find(call), call),
    }),
    route({
      method: 'PUT',
      path: item,
      summary: 'Update an aggregate',
      policy: rule('update'),
      body: Update,
      async handler(call) {
        const { availability_zone: zone } = call.body.aggregate;
        const name = call.body.aggregate.name?.trim();
        const after = await store.transaction(async () => {
          const row = await find(call);
          if (name !== undefined) await assertNameFree(name, row.id);
          await assertZoneMayChange(row, zone, call);
          return write(row, {
            ...(name === undefined ? {} : { name }),
            ...(zone ? { metadata: { ...row.metadata, [zoneKey]: zone } } : {}),
          });
        });
        return shown(after, call);
      },
    }),
    route({
      method: 'DELETE',
      path: item,
      summary: 'Delete an aggregate',
      policy: rule('delete'),
      status: 200,
      handler: (call) =>
        store.transaction(async () => {
          const row = await find(call);
          if ((await hostsOf(row)).length > 0) {
            throw new BadRequest(
              `Cannot remove aggregate ${row.number}. Reason: Host aggregate is not empty.`,
            );
          }
          await rows.delete({ id: row.id });
        }),
    }),
    route({
      method: 'POST',
      path: `${item}/action`,
      summary: 'Add a host to an aggregate, remove one, or set metadata',
      body: Action,
      async handler(call) {
        const { body } = call;
        if ('add_host' in body) {
          call.enforce(rule('add_host'));
          return shown(await addHost(call, body.add_host.host), call);
        }
        if ('remove_host' in body) {
          call.enforce(rule('remove_host'));
          return shown(await removeHost(call, body.remove_host.host), call);
        }
        call.enforce(rule('set_metadata'));
        return shown(await setMetadata(call, body.set_metadata.metadata as Metadata), call);
      },
    }),
    route({
      method: 'POST',
      path: `${item}/images`,
      summary: 'Fetch images to the hosts of an aggregate beforehand',
      since: '2.81',
      policy: 'compute:aggregates:images',
      body: Images,
      async handler(call) {
        const ids = call.body.cache.map(({ id }) => id);
        if (new Set(ids).size < ids.length) throw new BadRequest('Duplicate images in request');
        await find(call);
        throw new NotImplemented('Hosts fetch images when the first server needs them, and not beforehand.');
      },
    }),
  ];
}

/** Metadata with changes: null takes a key away. */
function merged(before: Record<string, string>, changes: Metadata): Record<string, string> {
  const after: Metadata = { ...before, ...changes };
  return Object.fromEntries(
    Object.entries(after).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
