import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, stranger } from '../../../platform/service/testing/world.ts';
import { type NetworkWorld, startNetwork } from '../testing/cloud.ts';

describe('networks', () => {
  let cloud: NetworkWorld;
  before(async () => {
    cloud = await startNetwork();
  });
  after(() => cloud[Symbol.asyncDispose]());

  it('are made as VXLAN networks whose provider only administrators see', async () => {
    const made = await cloud.make('network', { name: 'blue' });
    assert.equal(made['status'], 'ACTIVE');
    assert.equal(made['mtu'], 1450);
    assert.equal(made['tenant_id'], made['project_id']);
    assert.match(made['created_at'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal('provider:network_type' in made, false);
    const seen = await cloud.show('network', made['id'], admin);
    assert.equal(seen['provider:network_type'], 'vxlan');
    assert.equal(typeof seen['provider:segmentation_id'], 'number');
  });

  it('of other projects are not there, unless they are shared or external', async () => {
    const own = await cloud.make('network', { name: 'own' });
    assert.equal((await cloud.call('GET', `/networks/${own['id']}`, undefined, stranger)).status, 404);
    assert.equal((await cloud.call('DELETE', `/networks/${own['id']}`, undefined, stranger)).status, 404);
    const shared = await cloud.make('network', { name: 'shared', shared: true }, admin);
    assert.equal((await cloud.show('network', shared['id'], stranger))['shared'], true);
    assert.equal((await cloud.call('DELETE', `/networks/${shared['id']}`, undefined, stranger)).status, 403);
    const list = (await cloud.call('GET', '/networks?shared=true', undefined, stranger)).body.networks;
    assert.deepEqual(
      list.map((each: { id: string }) => each.id),
      [shared['id']],
    );
  });

  it('may be shared, external or of a provider only by administrators', async () => {
    for (const extra of [
      { shared: true },
      { 'router:external': true },
      { 'provider:network_type': 'flat' },
    ]) {
      const refused = await cloud.call('POST', '/networks', { network: extra });
      assert.equal(refused.status, 403, JSON.stringify(extra));
      assert.equal(refused.body.NeutronError.type, 'PolicyNotAuthorized');
    }
    assert.equal((await cloud.call('POST', '/networks', { network: { shared: false } })).status, 201);
  });

  it('hold a physical network alone when they are flat', async () => {
    const flat = {
      'provider:network_type': 'flat',
      'provider:physical_network': 'wire',
      'router:external': true,
    };
    const first = await cloud.make('network', flat, admin);
    assert.equal(first['mtu'], 1500);
    const second = await cloud.call('POST', '/networks', { network: flat }, admin);
    assert.equal(second.status, 409);
    assert.equal(second.body.NeutronError.type, 'FlatNetworkInUse');
    assert.equal((await cloud.call('DELETE', `/networks/${first['id']}`, undefined, admin)).status, 204);
    await cloud.make('network', flat, admin);
  });

  it('go with their subnets, but not while ports use them', async () => {
    const net = await cloud.make('network', {});
    const subnet = await cloud.make('subnet', { network_id: net['id'], ip_version: 4, cidr: '10.1.0.0/24' });
    const port = await cloud.make('port', { network_id: net['id'] });
    const refused = await cloud.call('DELETE', `/networks/${net['id']}`);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.NeutronError.type, 'NetworkInUse');
    assert.equal((await cloud.call('DELETE', `/ports/${port['id']}`)).status, 204);
    assert.equal((await cloud.call('DELETE', `/networks/${net['id']}`)).status, 204);
    assert.equal((await cloud.call('GET', `/subnets/${subnet['id']}`)).status, 404);
  });

  it('say what is wrong in NeutronError bodies', async () => {
    const unknown = await cloud.call('POST', '/networks', { network: { colour: 'red' } });
    assert.equal(unknown.status, 400);
    assert.equal(unknown.body.NeutronError.message, "Unrecognized attribute(s) 'colour'");
    const missing = await cloud.call('GET', '/networks/nowhere');
    assert.equal(missing.status, 404);
    assert.equal(missing.body.NeutronError.type, 'NetworkNotFound');
    assert.equal((await cloud.request('network', 'GET', '/v2.0/networks')).status, 401);
    const big = await cloud.call('POST', '/networks', { network: { mtu: 9000 } });
    assert.equal(big.status, 400);
  });

  it('change only for those who have seen the latest revision, if they say so', async () => {
    const net = await cloud.make('network', {});
    const stale = { 'if-match': 'revision_number=99' };
    const refused = await cloud.call(
      'PUT',
      `/networks/${net['id']}`,
      { network: { name: 'x' } },
      member,
      stale,
    );
    assert.equal(refused.status, 412);
    const fresh = { 'if-match': `revision_number=${net['revision_number']}` };
    const changed = await cloud.call(
      'PUT',
      `/networks/${net['id']}`,
      { network: { name: 'x' } },
      member,
      fresh,
    );
    assert.equal(changed.status, 200);
    assert.equal(changed.body.network.revision_number, net['revision_number'] + 1);
  });

  it('are listed by tags in the four ways', async () => {
    const both = await cloud.make('network', { name: 'both' });
    const one = await cloud.make('network', { name: 'one' });
    await cloud.call('PUT', `/networks/${both['id']}/tags`, { tags: ['red', 'blue'] });
    assert.equal((await cloud.call('PUT', `/networks/${one['id']}/tags/red`)).status, 201);
    const names = async (query: string) =>
      (await cloud.call('GET', `/networks?name=both&name=one&sort_key=name&${query}`)).body.networks.map(
        (each: { name: string }) => each.name,
      );
    assert.deepEqual(await names('tags=red,blue'), ['both']);
    assert.deepEqual(await names('tags-any=red,blue'), ['both', 'one']);
    assert.deepEqual(await names('not-tags=red,blue'), ['one']);
    assert.deepEqual(await names('not-tags-any=blue'), ['one']);
    assert.deepEqual(await names('tags=re'), []);
    assert.equal((await cloud.call('GET', `/networks/${one['id']}/tags/blue`)).status, 404);
  });

  it('are paged with links, forwards and backwards', async () => {
    const lists = async (query: string) => (await cloud.call('GET', `/networks?${query}`)).body;
    const all = (await lists('fields=id&sort_key=id')).networks.map((each: { id: string }) => each.id);
    const first = await lists('limit=2&sort_key=id');
    assert.deepEqual(
      first.networks.map((each: { id: string }) => each.id),
      all.slice(0, 2),
    );
    const next = first.networks_links.find((each: { rel: string }) => each.rel === 'next').href;
    const path = next.slice(next.indexOf('/v2.0') + 5);
    const second = (await cloud.call('GET', path)).body;
    assert.deepEqual(
      second.networks.map((each: { id: string }) => each.id),
      all.slice(2, 4),
    );
    const back = second.networks_links.find((each: { rel: string }) => each.rel === 'previous').href;
    const again = (await cloud.call('GET', back.slice(back.indexOf('/v2.0') + 5))).body;
    assert.deepEqual(
      again.networks.map((each: { id: string }) => each.id),
      all.slice(0, 2),
    );
  });
});
