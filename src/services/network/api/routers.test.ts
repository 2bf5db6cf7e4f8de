import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, stranger } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('routers and floating IPs', () => {
  let cloud: NetworkWorld;
  let outside: string;
  before(async () => {
    cloud = await startNetwork();
    await cloud.host('host-1');
    const external = await cloud.make(
      'network',
      { 'router:external': true, 'provider:network_type': 'flat', 'provider:physical_network': 'physnet1' },
      admin,
    );
    outside = external['id'];
    const pool = [{ start: '172.31.77.50', end: '172.31.77.52' }];
    await cloud.make(
      'subnet',
      {
        network_id: outside,
        ip_version: 4,
        cidr: '172.31.77.0/24',
        enable_dhcp: false,
        allocation_pools: pool,
      },
      admin,
    );
  });
  after(() => cloud[Symbol.asyncDispose]());

  let count = 0;
  const inside = async () => {
    const net = await cloud.make('network', {});
    const subnet = await cloud.make('subnet', {
      network_id: net['id'],
      ip_version: 4,
      cidr: `10.77.${count++}.0/24`,
    });
    const router = await cloud.make('router', { name: 'r' });
    return { net, subnet, router };
  };
  const put = (path: string, body: object, as?: typeof admin) => cloud.call('PUT', path, body, as);
  const typeOf = (answer: { body: { NeutronError: { type: string } } }) => answer.body.NeutronError.type;

  it('stand at the gateway of the subnets that they are given', async () => {
    const { subnet, router } = await inside();
    const added = await put(`/routers/${router['id']}/add_router_interface`, { subnet_id: subnet['id'] });
    assert.equal(added.status, 200, JSON.stringify(added.body));
    const port = await cloud.show('port', added.body.port_id);
    assert.equal(port['fixed_ips'][0].ip_address, subnet['gateway_ip']);
    assert.equal(port['device_owner'], 'network:router_interface');
    const again = await put(`/routers/${router['id']}/add_router_interface`, { subnet_id: subnet['id'] });
    assert.equal(again.status, 400);
    assert.equal(typeOf(await cloud.call('DELETE', `/routers/${router['id']}`)), 'RouterInUse');
    assert.equal(typeOf(await cloud.call('DELETE', `/ports/${port['id']}`)), 'ServicePortInUse');
    assert.equal(typeOf(await cloud.call('DELETE', `/subnets/${subnet['id']}`)), 'SubnetInUse');
    assert.equal((await put(`/routers/${router['id']}`, { router: {} }, stranger)).status, 404);
    const removed = await put(`/routers/${router['id']}/remove_router_interface`, {
      subnet_id: subnet['id'],
    });
    assert.equal(removed.status, 200);
    assert.equal((await cloud.call('DELETE', `/routers/${router['id']}`)).status, 204);
  });

  it('lead out, and let floating IPs in, until these are gone', async () => {
    const { net, subnet, router } = await inside();
    await put(`/routers/${router['id']}/add_router_interface`, { subnet_id: subnet['id'] });
    const port = await cloud.make('port', { network_id: net['id'] });
    const floating = { floating_network_id: outside, port_id: port['id'] };
    const unreachable = await cloud.call('POST', '/floatingips', { floatingip: floating });
    assert.equal(unreachable.status, 404);
    assert.equal(typeOf(unreachable), 'ExternalGatewayForFloatingIPNotFound');
    const led = await put(`/routers/${router['id']}`, {
      router: { external_gateway_info: { network_id: outside } },
    });
    assert.equal(led.status, 200, JSON.stringify(led.body));
    assert.equal(led.body.router.external_gateway_info.enable_snat, true);
    assert.equal(led.body.router.external_gateway_info.external_fixed_ips.length, 1);

    const made = await cloud.make('floatingip', floating);
    assert.equal(made['fixed_ip_address'], port['fixed_ips'][0].ip_address);
    assert.equal(made['router_id'], router['id']);
    assert.equal(made['port_details'].mac_address, port['mac_address']);
    const state = await cloud.service.hostState({ host: 'host-1' });
    const hosted = state.routers.find(({ id }) => id === router['id']);
    assert.deepEqual(hosted?.floatingIps, [
      { floating: made['floating_ip_address'], fixed: made['fixed_ip_address'] },
    ]);
    assert.equal(hosted?.gateway?.nexthop, '172.31.77.1');
    assert.deepEqual(
      hosted?.interfaces.map(({ ips }) => ips),
      [[{ ip: subnet['gateway_ip'], cidr: subnet['cidr'] }]],
    );
    await cloud.service.reportPorts({
      host: 'host-1',
      up: [],
      down: [],
      routers: { up: [router['id']], down: [] },
    });
    assert.equal((await cloud.show('floatingip', made['id']))['status'], 'ACTIVE');

    assert.equal(
      typeOf(await put(`/routers/${router['id']}`, { router: { external_gateway_info: {} } })),
      'RouterExternalGatewayInUseByFloatingIp',
    );
    assert.equal(
      typeOf(await put(`/routers/${router['id']}/remove_router_interface`, { subnet_id: subnet['id'] })),
      'RouterInterfaceInUseByFloatingIP',
    );
    assert.equal((await cloud.call('DELETE', `/ports/${port['id']}`)).status, 204);
    const left = await cloud.show('floatingip', made['id']);
    assert.deepEqual([left['port_id'], left['fixed_ip_address'], left['status']], [null, null, 'DOWN']);
    assert.equal((await cloud.call('DELETE', `/floatingips/${made['id']}`)).status, 204);
    const cleared = await put(`/routers/${router['id']}`, { router: { external_gateway_info: null } });
    assert.equal(cleared.body.router.external_gateway_info, null);
    assert.deepEqual(
      (await cloud.call('GET', `/ports?network_id=${outside}`, undefined, admin)).body.ports,
      [],
    );
  });

  it('are given addresses until the external pool is used up', async () => {
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await cloud.make('floatingip', { floating_network_id: outside }));
    assert.equal(new Set(made.map((each) => each['floating_ip_address'])).size, 3);
    const full = await cloud.call('POST', '/floatingips', { floatingip: { floating_network_id: outside } });
    assert.equal(full.status, 400);
    assert.equal(typeOf(full), 'ExternalIpAddressExhausted');
    assert.equal(
      (await cloud.call('GET', `/ports?network_id=${outside}`, undefined, admin)).body.ports.length,
      3,
    );
    for (const each of made) await cloud.call('DELETE', `/floatingips/${each['id']}`);
  });

  it('take routes only to where they stand', async () => {
    const { subnet, router } = await inside();
    await put(`/routers/${router['id']}/add_router_interface`, { subnet_id: subnet['id'] });
    const hop = `${subnet['cidr'].slice(0, -5)}.9`;
    const routes = [{ destination: '192.0.2.0/24', nexthop: hop }];
    const set = await put(`/routers/${router['id']}`, { router: { routes } });
    assert.deepEqual(set.body.router.routes, routes);
    const far = await put(`/routers/${router['id']}`, {
      router: { routes: [{ destination: '192.0.2.0/24', nexthop: '198.51.100.1' }] },
    });
    assert.equal(far.status, 400);
    assert.equal(typeOf(far), 'InvalidRoutes');
    const cleared = await put(`/routers/${router['id']}`, { router: { routes: null } });
    assert.deepEqual(cleared.body.router.routes, []);
  });

  it('need administrators to turn address translation off', async () => {
    const { router } = await inside();
    const off = { router: { external_gateway_info: { network_id: outside, enable_snat: false } } };
    assert.equal((await put(`/routers/${router['id']}`, off)).status, 403);
    const done = await put(`/routers/${router['id']}`, off, admin);
    assert.equal(done.body.router.external_gateway_info.enable_snat, false);
  });
});
