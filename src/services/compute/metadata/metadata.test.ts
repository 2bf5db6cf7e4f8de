import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { ServiceUnavailable } from '../../../platform/errors/errors.ts';
import { startWorld, type World } from '../../../platform/service/testing/world.ts';
import { computeService, type InstanceMetadata } from '../contract.ts';
import { anInstance } from '../model/metadata/testing/instance.ts';
import { metadataCache } from './cache.ts';
import { metadata } from './service.ts';

const secret = 'the secret of this cloud';
const server = anInstance();

/** Refusals are expected here, and not worth showing. */
const nothing = () => {};
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const signed = (id: string, fields: Record<string, string> = {}): Record<string, string> => ({
  'x-instance-id': id,
  'x-tenant-id': server.projectId,
  'x-instance-id-signature': createHmac('sha256', secret).update(id).digest('hex'),
  'x-forwarded-for': '10.0.0.7',
  ...fields,
});

async function world(
  t: TestContext,
  instanceMetadata: (args: { serverId: string }) => Promise<InstanceMetadata | null> = async ({
    serverId,
  }) => (serverId === server.id ? server : null),
): Promise<World> {
  const made = await startWorld([metadata], {
    settings: { metadata_secret: secret },
    log: quiet,
    prepare: async (bus) => void (await bus.serve(computeService, { instanceMetadata })),
  });
  t.after(() => made[Symbol.asyncDispose]());
  return made;
}

const get = (made: World, path: string, headers = signed(server.id)) =>
  made.request('metadata', 'GET', path, { headers });

test('a guest reads its own metadata, as JSON where it is JSON and as text elsewhere', async (t) => {
  const made = await world(t);
  const { status, body, headers } = await get(made, '/openstack/latest/meta_data.json');
  assert.deepEqual([status, body.uuid, body.hostname], [200, server.id, 'web-1.novalocal']);
  assert.match(String(headers.get('content-type')), /^application\/json\b/);
  assert.equal(Buffer.from(body.random_seed, 'base64').length, 512);
  assert.equal('admin_pass' in body, false);

  const id = await get(made, '/latest/meta-data/instance-id');
  assert.deepEqual([id.status, id.body], [200, 'i-0000000a']);
  assert.equal(id.headers.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal((await get(made, '/2009-04-04/user-data')).body, '#!/bin/sh\necho hello\n');
  assert.equal((await get(made, '/latest/meta-data/public-keys/')).body, '0=laptop');
  assert.match((await get(made, '/openstack/')).body, /^2012-08-10\n[^]*\nlatest$/);
});

test('random seeds are never the same', async (t) => {
  const made = await world(t);
  const seed = async () => (await get(made, '/openstack/latest/meta_data.json')).body.random_seed;
  assert.notEqual(await seed(), await seed());
});

test('user data that is no text arrives as it was given', async (t) => {
  const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0xfe, 0x80]);
  const made = await world(t, async () => anInstance({ userData: bytes.toString('base64') }));
  const response = await fetch(`${made.urls['metadata']}/openstack/latest/user_data`, {
    headers: signed(server.id),
  });
  assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes);
});

test('the root lists versions to anybody, signed or not', async (t) => {
  const made = await world(t);
  const { status, body } = await get(made, '/', {});
  assert.equal(status, 200);
  assert.match(body, /^1\.0\n2007-01-19\n[^]*\n2009-04-04\nlatest$/);
});

test('who has not the secret is refused, and compute is not even asked', async (t) => {
  let asked = 0;
  const made = await world(t, async () => {
    asked++;
    return server;
  });
  const right = signed(server.id);
  const other = signed('another-server')['x-instance-id-signature'] as string;
  for (const signature of [
    other,
    '',
    'é',
    '0'.repeat(64),
    (right['x-instance-id-signature'] as string).toUpperCase(),
  ]) {
    const headers = { ...right, 'x-instance-id-signature': encodeURIComponent(signature) };
    const refused = await get(made, '/latest/meta-data/', headers);
    assert.deepEqual(
      [refused.status, refused.body],
      [403, '403 Forbidden\n\nInvalid proxy request signature.\n'],
    );
  }
  assert.equal(asked, 0);
});

test('a request that lacks a header of the proxy is malformed', async (t) => {
  const made = await world(t);
  for (const name of ['X-Instance-ID', 'X-Instance-ID-Signature', 'X-Tenant-ID']) {
    const { [name.toLowerCase()]: _, ...headers } = signed(server.id);
    const refused = await get(made, '/latest/', headers);
    assert.deepEqual(
      [refused.status, refused.body],
      [400, `400 Bad Request\n\n${name} header is missing from request.\n`],
    );
  }
});

test('a server that is not there, or is another project’s, is not found', async (t) => {
  const made = await world(t);
  assert.equal((await get(made, '/latest/meta-data/', signed('9'.repeat(32)))).status, 404);
  const foreign = await get(made, '/latest/meta-data/', signed(server.id, { 'x-tenant-id': 'f'.repeat(32) }));
  assert.deepEqual(
    [foreign.status, foreign.body],
    [404, '404 Not Found\n\nThe resource could not be found.\n'],
  );
});

test('a path that leads nowhere is not found, and one that is written otherwise is', async (t) => {
  const made = await world(t);
  for (const path of [
    '/nothing',
    '/openstack/latest/nothing',
    '/openstack/content/0000',
    `/${'x'.repeat(2000)}`,
  ]) {
    assert.equal((await get(made, path)).status, 404, path);
  }
  assert.equal((await get(made, '/%6catest//meta-data/instance-id/')).body, 'i-0000000a');
});

test('nothing can be written: a posted password has no place', async (t) => {
  const made = await world(t);
  const refused = await made.request('metadata', 'POST', '/openstack/2013-04-04/password', {
    headers: signed(server.id),
  });
  assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD']);
});

test('a booting guest’s many requests ask compute once', async (t) => {
  let asked = 0;
  const made = await world(t, async () => {
    asked++;
    return server;
  });
  await Promise.all(['a', 'b', 'c'].map(() => get(made, '/latest/meta-data/')));
  await get(made, '/openstack/latest/meta_data.json');
  assert.equal(asked, 1);
});

test('what is known is asked again after fifteen seconds, what is unknown at once', async () => {
  let now = 1_000_000;
  const asked: string[] = [];
  const known = metadataCache(
    {
      instanceMetadata: async ({ serverId }) => {
        asked.push(serverId);
        return serverId === server.id ? server : null;
      },
    },
    { now: () => now },
  );
  await known(server.id);
  now += 14_000;
  await known(server.id);
  assert.deepEqual(asked, [server.id]);
  now += 2_000;
  assert.equal((await known(server.id))?.id, server.id);
  assert.deepEqual(asked, [server.id, server.id]);
  assert.equal(await known('unknown'), undefined);
  assert.equal(await known('unknown'), undefined);
  assert.deepEqual(asked.slice(2), ['unknown', 'unknown']);
});

test('while compute is away the answer says so, and the next request asks again', async (t) => {
  let away = true;
  const made = await world(t, async () => {
    if (away) throw new ServiceUnavailable('Compute is away.');
    return server;
  });
  assert.equal((await get(made, '/latest/meta-data/')).status, 503);
  away = false;
  assert.equal((await get(made, '/latest/meta-data/')).status, 200);
});

test('the service does not start without the secret', async () => {
  await assert.rejects(startWorld([metadata]), /metadata_secret is not set/);
});

test('its description names the path as a parameter', async (t) => {
  const made = await world(t);
  const { body } = await get(made, '/openapi.json', {});
  assert.deepEqual(body.paths['/{path}'].get.parameters, [
    { name: 'path', in: 'path', required: true, schema: { type: 'string' } },
  ]);
});
