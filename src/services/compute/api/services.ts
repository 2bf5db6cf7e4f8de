import { Type } from 'typebox';
import { BadRequest, Conflict, NotFound } from '../../../platform/errors/errors.ts';
import type { Call } from '../../../platform/http/call.ts';
import { type Route, route, type VersionedSchema } from '../../../platform/http/route.ts';
import { repository } from '../../../platform/store/repository.ts';
import { timestamp } from '../../../platform/store/table.ts';
import type { Compute } from '../compute.ts';
import { aggregateHosts } from '../store/aggregates.ts';
import { defaultZone, internalZone, isUp, zonesByHost } from '../store/host-states.ts';
import { serversOn } from '../store/hosts.ts';
import { computeNodes, type Service, services } from '../store/services.ts';
import { closed, HostName, LooseBoolean, toBoolean } from './parameter-types.ts';
import { assertQuery, isUuid, shownTime } from './query.ts';

const Words = Type.String({ minLength: 1, maxLength: 255 });
const Update: VersionedSchema = [
  ['2.1', closed({ host: HostName, binary: Words, disabled_reason: Type.Optional(Words) })],
  [
    '2.11',
    closed({
      host: HostName,
      binary: Words,
      disabled_reason: Type.Optional(Words),
      forced_down: Type.Optional(LooseBoolean),
    }),
  ],
  [
    '2.53',
    closed({
      status: Type.Optional(Type.Enum(['enabled', 'disabled'])),
      disabled_reason: Type.Optional(Words),
      forced_down: Type.Optional(LooseBoolean),
    }),
  ],
];
interface UpdateBody {
  host?: string;
  binary?: string;
  status?: 'enabled' | 'disabled';
  disabled_reason?: string;
  forced_down?: boolean | string;
}

/** Before 2.53 the path says what to do, and the body to whom. */
type Changes = Partial<Pick<Service, 'disabled' | 'disabled_reason' | 'forced_down'>>;

const rule = (verb: string): string => `os_compute_api:os-services:${verb}`;

/** The workers of compute: which there are, which live, and which are to get no new servers. */
export function serviceRoutes({ store, placement }: Compute): Route[] {
  const rows = repository(store, services);
  const nodes = repository(store, computeNodes);

  const view = (row: Service, zones: Map<string, string>, call: Call) => ({
    id: call.since('2.53') ? row.id : row.number,
    binary: row.binary,
    host: row.host,
    zone: row.binary === 'nova-compute' ? (zones.get(row.host) ?? defaultZone) : internalZone,
    status: row.disabled ? 'disabled' : 'enabled',
    state: isUp(row) ? 'up' : 'down',
    updated_at: shownTime(row.last_seen_at),
    disabled_reason: row.disabled_reason,
    ...(call.since('2.11') ? { forced_down: row.forced_down } : {}),
  });

  async function list(call: Call) {
    assertQuery(call, ['host', 'binary']);
    const host = call.queryValue('host');
    const binary = call.queryValue('binary');
    const found = await rows.list({
      where: { ...(host ? { host } : {}), ...(binary ? { binary } : {}) },
      sort: [{ column: 'number', direction: 'asc' }],
    });
    const zones = await zonesByHost(store);
    return { services: found.map((row) => view(row, zones, call)) };
  }

  /** The worker that a path names: by uuid since 2.53, by number before. */
  async function find(call: Call): Promise<Service> {
    const id = call.params['id'] as string;
    if (call.since('2.53') ? !isUuid(id) : !/^\d{1,15}$/.test(id)) {
      throw new BadRequest(call.since('2.53') ? `Invalid uuid ${id}` : `id must be an integer`);
    }
    const row = await rows.find(call.since('2.53') ? { id } : { number: Number(id) });
    if (!row) throw new NotFound(`Service ${id} not found.`);
    return row;
  }

  function assertCompute(binary: string): void {
    if (binary === 'nova-compute') return;
    throw new BadRequest(
      `Updating a ${binary} service is not supported. Only nova-compute services can be updated.`,
    );
  }

  const write = ({ id }: Service, changes: Changes) =>
    rows.update({ id }, { ...changes, updated_at: timestamp() });

  /** `PUT /os-services/disable` and its like, until 2.52. */
  async function act(call: Call<UpdateBody>) {
    const { host = '', binary = '', disabled_reason, forced_down } = call.body;
    const said: { changes: Changes; shown: object } = (() => {
      switch (call.params['id']) {
        case 'enable':
          return {
            changes: { disabled: false, disabled_reason: null },
            shown: { status: 'enabled' },
          };
        case 'disable':
          return {
            changes: { disabled: true, disabled_reason: null },
            shown: { status: 'disabled' },
          };
        case 'disable-log-reason':
          if (disabled_reason === undefined) throw new BadRequest('Missing disabled reason field');
          return {
            changes: { disabled: true, disabled_reason },
            shown: { status: 'disabled', disabled_reason },
          };
        case 'force-down': {
          if (!call.since('2.11')) break;
          if (forced_down === undefined) throw new BadRequest('Missing forced_down field');
          const down = toBoolean(forced_down) === true;
          return { changes: { forced_down: down }, shown: { forced_down: down } };
        }
      }
      throw new NotFound('Unknown action');
    })();
    assertCompute(binary);
    const row = await rows.find({ host, binary });
    if (!row) throw new NotFound(`Could not find binary ${binary} on host ${host}.`);
    await write(row, said.changes);
    return { service: { host, binary, ...said.shown } };
  }

  async function update(call: Call<UpdateBody>) {
    const row = await find(call);
    assertCompute(row.binary);
    const { status, disabled_reason, forced_down } = call.body;
    if (status !== 'disabled' && disabled_reason !== undefined) {
      throw new BadRequest("Specifying 'disabled_reason' with status 'enabled' is invalid.");
    }
    if (status === undefined && forced_down === undefined) {
      throw new BadRequest(
        "No updates were requested. Fields 'status' or 'forced_down' should be specified.",
      );
    }
    const changes: Changes = {
      ...(status ? { disabled: status === 'disabled', disabled_reason: disabled_reason ?? null } : {}),
      ...(forced_down === undefined ? {} : { forced_down: toBoolean(forced_down) === true }),
    };
    await write(row, changes);
    return { service: view({ ...row, ...changes }, await zonesByHost(store), call) };
  }

  async function remove(call: Call): Promise<void> {
    const row = await find(call);
    const providers = await store.transaction(async () => {
      if (row.binary === 'nova-compute' && (await serversOn(store, [row.host])) > 0) {
        throw new Conflict(
          'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
        );
      }
      const own = await nodes.list({ where: { service_id: row.id } });
      await repository(store, aggregateHosts).delete({ host: row.host });
      await rows.delete({ id: row.id });
      return own.map(({ id }) => id);
    });
    for (const uuid of providers) await placement.deleteProvider({ uuid });
  }

  const item = '/v2.1/os-services/:id';
  return [
    route({
      method: 'GET',
      path: '/v2.1/os-services',
      summary: 'List compute services',
      policy: rule('list'),
      handler: list,
    }),
    route<UpdateBody>({
      method: 'PUT',
      path: item,
      summary: 'Enable, disable or force down a compute service',
      policy: rule('update'),
      body: Update,
      handler: (call) => (call.since('2.53') ? update(call) : act(call)),
    }),
    route({
      method: 'DELETE',
      path: item,
      summary: 'Delete a compute service',
      policy: rule('delete'),
      handler: remove,
    }),
  ];
}
