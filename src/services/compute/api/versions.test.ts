import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startWorld } from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';
import { rewritePath } from './versions.ts';

describe('discovery of compute', () => {
  it('is open to everybody, at the bare address and at each version', async () => {
    await using world = await startWorld([compute]);
    const root = await world.request('compute', 'GET', '/');
    assert.deepEqual(
      root.body.versions.map(({ id, version }: { id: string; version: string }) => [id, version]),
      [
        ['v2.0', ''],
        ['v2.1', '2.96'],
      ],
    );
    for (const path of ['/v2.1', '/v2.1/', `/v2.1/${'a'.repeat(32)}`]) {
      const { body } = await world.request('compute', 'GET', path);
      assert.equal(body.version.id, 'v2.1', path);
      assert.equal(body.version.links[0].href, `${world.urls['compute']}/v2.1/`);
    }
    assert.equal((await world.request('compute', 'GET', '/v2/')).body.version.id, 'v2.0');
  });
});

describe('a path of an old client', () => {
  it('is that of 2.1, without the project', () => {
    const project = 'a'.repeat(32);
    assert.equal(rewritePath(`/v2.1/${project}/servers/detail`), '/v2.1/servers/detail');
    assert.equal(rewritePath(`/v2/${project}/servers`), '/v2.1/servers');
    assert.equal(rewritePath('/v2/servers'), '/v2.1/servers');
    assert.equal(rewritePath('/v2.1/servers'), '/v2.1/servers');
    assert.equal(rewritePath('/v2/'), '/v2/');
  });
});
