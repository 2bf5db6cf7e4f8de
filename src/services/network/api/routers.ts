import { Type } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import { type Route as HttpRoute, route } from '../../../platform/http/route.ts';
import { rowsOf } from '../../../platform/resource/rows.ts';
import { repository } from '../../../platform/store/repository.ts';
import { canonicalAddress } from '../model/addresses.ts';
import { badRequest, conflict } from '../model/errors.ts';
import type { Network } from '../store/network.ts';
import type { FixedIp } from '../store/port-addresses.ts';
import { withDetails } from '../store/ports.ts';
import { claimQuota } from '../store/quotas.ts';
import { settleRouter } from '../store/router-hosts.ts';
import {
  addPortInterface,
  addSubnetInterface,
  checkRoutes,
  type GatewayRequest,
  portsOfRouter,
  removeInterface,
  setGateway,
} from '../store/routers.ts';
import { changeRow, stamped } from '../store/standard.ts';
import { ports, type Route, type RouterRow, routers } from '../store/tables.ts';
import type { networksApi } from './networks.ts';
import type { portsApi } from './ports.ts';
import {
  flag,
  Id,
  Name,
  name,
  networkResources,
  ownerOf,
  standardAttributes,
  toBoolean,
} from './standard.ts';
import { assertRevision } from './style.ts';
import { emptyForNull, type subnetsApi } from './subnets.ts';

const Gateway = Type.Union([
  Type.Null(),
  Type.Object(
    {
      network_id: Type.Optional(Type.Union([Id, Type.Null()])),
      enable_snat: Type.Optional(Type.Boolean()),
      external_fixed_ips: Type.Optional(
        Type.Array(
          Type.Object(
            { subnet_id: Type.Optional(Id), ip_address: Type.Optional(Type.String({ format: 'ip' })) },
            { additionalProperties: false },
          ),
          { maxItems: 16 },
        ),
      ),
      qos_policy_id: Type.Optional(Type.Null()),
    },
    { additionalProperties: false },
  ),
]);
type GatewayBody = {
  network_id?: string | null;
  enable_snat?: boolean;
  external_fixed_ips?: { subnet_id?: string; ip_address?: string }[];
} | null;

const Routes = Type.Array(
  Type.Object(
    { destination: Type.String({ format: 'cidr' }), nexthop: Type.String({ format: 'ip' }) },
    { additionalProperties: false },
  ),
);
const InterfaceRequest = Type.Object(
  { subnet_id: Type.Optional(Id), port_id: Type.Optional(Id) },
  { additionalProperties: false },
);

interface ShownRouter extends RouterRow {
  gateway_ips: FixedIp[];
}

interface Apis {
  networks: ReturnType<typeof networksApi>;
  subnets: ReturnType<typeof subnetsApi>;
  ports: ReturnType<typeof portsApi>;
}

export function routersApi(network: Network, apis: Apis) {
  const { store } = network;
  const rows = rowsOf(store, routers);
  const unsupported = (what: string) => ({
    schema: Type.Boolean(),
    convert: toBoolean,
    create: 'optional' as const,
    default: false,
    column: false as const,
    from: () => false,
    policy: { create: `create_router:${what}`, show: `get_router:${what}` },
  });

  const made = networkResources(network)({
    one: 'router',
    many: 'routers',
    path: '/routers',
    table: 'routers',
    rows,
    attributes: {
      ...standardAttributes,
      name,
      admin_state_up: flag({ create: 'optional', update: true, default: true }),
      status: { schema: Type.String(), filter: true, sort: true },
      external_gateway_info: {
        schema: Gateway,
        create: 'optional',
        update: true,
        column: false,
        from: (row: ShownRouter) =>
          row.gateway_network_id === null
            ? null
            : {
                network_id: row.gateway_network_id,
                enable_snat: row.enable_snat,
                external_fixed_ips: row.gateway_ips,
              },
        policy: {
          create: 'create_router:external_gateway_info',
          update: 'update_router:external_gateway_info',
        },
      },
      routes: { schema: Routes, convert: emptyForNull, update: true },
      distributed: unsupported('distributed'),
      ha: unsupported('ha'),
      availability_zone_hints: {
        schema: Type.Array(Name, { maxItems: 16 }),
        create: 'optional',
        default: [],
      },
      availability_zones: { schema: Type.Array(Name), column: false, from: () => [] },
      flavor_id: { schema: Type.Null(), column: false, from: () => null },
    },
    policy: {
      list: 'get_router',
      show: 'get_router',
      create: 'create_router',
      update: 'update_router',
      delete: 'delete_router',
    },

    async expand(page) {
      const ids = page.flatMap(({ gateway_port_id }) => gateway_port_id ?? []);
      const gateways =
        ids.length === 0
          ? []
          : await withDetails(store, await repository(store, ports).list({ where: { id: ids } }));
      const byId = new Map(gateways.map((port) => [port.id, port.fixed_ips]));
      return page.map(
        (row): ShownRouter => ({ ...row, gateway_ips: byId.get(row.gateway_port_id ?? '') ?? [] }),
      );
    },

    create: async (call, body) => {
      const projectId = ownerOf(call, body);
      if (body.distributed || body.ha) {
        throw badRequest('HTTPBadRequest', 'Routers are neither distributed nor highly available here.');
      }
      const target = { ...body, project_id: projectId };
      const gateway = await gatewayOf(
        call,
        'create',
        body.external_gateway_info as GatewayBody | undefined,
        target,
      );
      return store.transaction(async () => {
        await claimQuota(network, 'router', projectId);
        const row: RouterRow = {
          ...stamped(projectId),
          name: body.name,
          description: body.description,
          tags: [],
          admin_state_up: body.admin_state_up,
          status: 'ACTIVE',
          availability_zone_hints: body.availability_zone_hints,
          routes: [],
          gateway_port_id: null,
          gateway_network_id: null,
          enable_snat: true,
        };
        await repository(store, routers).insert(row);
        if (!gateway) return row;
        return changeRow(store, routers, row, await setGateway(network, row, gateway));
      });
    },

    update: async (call, row, body) => {
      const { external_gateway_info: asked, routes, ...plain } = body;
      const gateway = await gatewayOf(call, 'update', asked as GatewayBody | undefined, row);
      return store.transaction(async () => {
        const changes: Partial<RouterRow> = { ...plain };
        if (routes) changes.routes = await checkRoutes(network, row.id, routes);
        if (gateway !== undefined) Object.assign(changes, await setGateway(network, row, gateway));
        const after = await changeRow(store, routers, row, changes);
        await ring(row.id);
        return after;
      });
    },

    delete: (_call, row) =>
      store.transaction(async () => {
        const own = await portsOfRouter(network, row.id);
        if (own.some(({ id }) => id !== row.gateway_port_id)) {
          throw conflict('RouterInUse', `Router ${row.id} still has ports`);
        }
        await setGateway(network, row, null);
        await settleRouter(network, row.id);
        await store.db.deleteFrom('routers').where('id', '=', row.id).execute();
      }),
  });

  /** What a body says of the gateway: nothing (`undefined`), that there is none (`null`), or where it is. */
  async function gatewayOf(
    call: Call,
    verb: 'create' | 'update',
    asked: GatewayBody | undefined,
    target: object,
  ): Promise<GatewayRequest | null | undefined> {
    if (asked === undefined) return undefined;
    if (asked === null || Object.keys(asked).length === 0) return null;
    const ask = (part: string) => call.enforce(`${verb}_router:external_gateway_info:${part}`, target);
    if (!asked.network_id) {
      throw badRequest(
        'HTTPBadRequest',
        "Invalid input for external_gateway_info. Reason: Validation of dictionary's keys failed.",
      );
    }
    ask('network_id');
    if (asked.enable_snat !== undefined) ask('enable_snat');
    if (asked.external_fixed_ips !== undefined) ask('external_fixed_ips');
    await apis.networks.find(call, asked.network_id);
    const ips = asked.external_fixed_ips?.map((each) =>
      each.ip_address === undefined
        ? each
        : { ...each, ip_address: String(canonicalAddress(each.ip_address)) },
    );
    return {
      network_id: asked.network_id,
      ...(asked.enable_snat === undefined ? {} : { enable_snat: asked.enable_snat }),
      ...(ips === undefined ? {} : { external_fixed_ips: ips }),
    };
  }

  async function ring(routerId: string): Promise<void> {
    const binding = await store.db
      .selectFrom('router_bindings')
      .select('host')
      .where('router_id', '=', routerId)
      .executeTakeFirst();
    if (binding) network.hosts.ring({ hosts: [binding.host] });
  }

  /** Does something to a router of the caller's, as it is now. */
  const actOn = <T>(call: Call, rule: string, act: (router: RouterRow) => Promise<T>): Promise<T> =>
    store.transaction(async () => {
      const router = await made.find(call, call.params['id'] as string);
      call.enforce(rule, { ...router, tenant_id: router.project_id });
      assertRevision(call, router);
      return act(router);
    });

  const interfaceView = (
    router: RouterRow,
    port: { id: string; network_id: string; fixed_ips: readonly FixedIp[] },
    subnetId: string,
  ) => ({
    id: router.id,
    tenant_id: router.project_id,
    project_id: router.project_id,
    port_id: port.id,
    network_id: port.network_id,
    subnet_id: subnetId,
    subnet_ids: [subnetId],
    tags: router.tags,
  });

  const badInterface = (problem: string) => badRequest('BadRequest', `Bad router request: ${problem}.`);

  const actions: HttpRoute[] = [
    route({
      method: 'PUT',
      path: '/v2.0/routers/:id/add_router_interface',
      body: InterfaceRequest,
      summary: 'Connect a router to a subnet',
      handler: (call) =>
        actOn(call, 'add_router_interface', async (router) => {
          const { port_id: portId, subnet_id: subnetId } = call.body;
          if (portId !== undefined && subnetId !== undefined) {
            throw badInterface('Cannot specify both subnet-id and port-id');
          }
          if (portId !== undefined) {
            const [full] = await withDetails(store, [await apis.ports.find(call, portId)]);
            if (!full) throw badInterface('Invalid port');
            const added = await addPortInterface(network, router, full);
            return interfaceView(router, added, added.fixed_ips[0]?.subnet_id ?? '');
          }
          if (subnetId === undefined) throw badInterface('Either subnet_id or port_id must be specified');
          const subnet = await apis.subnets.find(call, subnetId);
          return interfaceView(router, await addSubnetInterface(network, router, subnet), subnetId);
        }),
    }),
    route({
      method: 'PUT',
      path: '/v2.0/routers/:id/remove_router_interface',
      body: InterfaceRequest,
      summary: 'Disconnect a router from a subnet',
      handler: (call) =>
        actOn(call, 'remove_router_interface', async (router) => {
          if (call.body.port_id === undefined && call.body.subnet_id === undefined) {
            throw badInterface('Either subnet_id or port_id must be specified');
          }
          const { port, subnetId } = await removeInterface(network, router, call.body);
          return interfaceView(router, port, subnetId);
        }),
    }),
    ...(['add', 'remove'] as const).map((verb) =>
      route({
        method: 'PUT',
        path: `/v2.0/routers/:id/${verb}_extraroutes`,
        body: Type.Object({ router: Type.Object({ routes: Routes }) }),
        summary: verb === 'add' ? 'Add routes to a router' : 'Remove routes of a router',
        handler: async (call) => {
          const given = call.body.router.routes;
          const same = (a: Route) => (b: Route) => a.destination === b.destination && a.nexthop === b.nexthop;
          const after = await actOn(call, `${verb}_extraroutes`, async (row) => {
            const rest = row.routes.filter((each) => !given.some(same(each)));
            const routes = verb === 'add' ? await checkRoutes(network, row.id, [...rest, ...given]) : rest;
            await ring(row.id);
            return changeRow(store, routers, row, { routes });
          });
          return made.body(after, call);
        },
      }),
    ),
  ];
  return { ...made, routes: [...made.routes, ...actions] };
}
