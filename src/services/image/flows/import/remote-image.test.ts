import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { BadRequest, Conflict } from '../../../../platform/errors/errors.ts';
import { type RunningWeb, startWeb } from '../../testing/web-server.ts';
import { remoteImages } from './remote-image.ts';

describe('an image of another region', () => {
  let web: RunningWeb;
  const bytes = randomBytes(5000);
  const signal = new AbortController().signal;
  const source = { imageId: 'i', region: 'RegionTwo', interface: 'public' };
  const tokens: (string | undefined)[] = [];
  const images = () => remoteImages(() => web.origin, ['hw_', 'os_']);
  const json = (path: string, body: () => unknown) =>
    web.answers.set(path, (request, response) => {
      tokens.push(request.headers['x-auth-token'] as string | undefined);
      response.end(JSON.stringify(body()));
    });
  before(async () => {
    web = await startWeb();
    json('/v3/auth/catalog', () => ({
      catalog: [
        {
          type: 'compute',
          endpoints: [{ region_id: 'RegionTwo', interface: 'public', url: 'http://wrong' }],
        },
        {
          type: 'image',
          endpoints: [
            { region_id: 'RegionOne', interface: 'public', url: 'http://wrong' },
            { region_id: 'RegionTwo', interface: 'public', url: `${web.origin}/glance/` },
          ],
        },
      ],
    }));
    json('/glance/v2/images/i', () => ({
      status: 'active',
      disk_format: 'qcow2',
      container_format: 'bare',
      size: bytes.length,
      hw_cpu_cores: '2',
      os_glance_import_task: 'x',
      os_hidden: false,
      speed: '88mph',
    }));
    json('/glance/v2/images/q', () => ({ status: 'queued', size: null }));
    json('/glance/v2/images/s', () => ({ status: 'active' }));
    web.answers.set('/glance/v2/images/m', (_, response) =>
      response.writeHead(302, { location: '/x' }).end(),
    );
    web.answers.set('/glance/v2/images/h', (_, response) => response.end('<html>'));
    web.answers.set('/glance/v2/images/i/file', (_, response) => response.end(bytes));
  });
  after(() => web[Symbol.asyncDispose]());

  it('is described, and read, with the rights of who asked', async () => {
    assert.deepEqual(await images().describe(source, 'token', signal), {
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      size: bytes.length,
      properties: { hw_cpu_cores: '2' },
    });
    const read = await (await images().open(source, 'token', signal)).toArray();
    assert.deepEqual(Buffer.concat(read), bytes);
    assert.deepEqual([...new Set(tokens)], ['token']);
  });

  it('must be there, active, of a known size, and behind an endpoint that the catalog knows', async () => {
    const refused = (more: object, error: unknown) =>
      assert.rejects(images().describe({ ...source, ...more }, 'token', signal), error as Error);
    await refused({ region: 'nowhere' }, /There is no public image endpoint in region nowhere/);
    await refused({ interface: 'secret' }, /There is no secret image endpoint/);
    await refused({ imageId: 'missing' }, /status 404/);
    await refused({ imageId: 'q' }, Conflict);
    await refused({ imageId: 's' }, /Size attribute/);
    await refused({ imageId: 'h' }, /did not answer with JSON/);
    // A token goes nowhere else.
    await refused({ imageId: 'm' }, BadRequest);
  });
});
