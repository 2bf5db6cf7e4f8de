import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { admin, member, startWorld, stranger, type World } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';
import { imagesIn } from '../testing/images.ts';
import { type RunningWeb, startWeb } from '../testing/web-server.ts';

describe('tasks', () => {
  let web: RunningWeb;
  let world: World;
  let images: ReturnType<typeof imagesIn>;
  const bytes = randomBytes(1234);
  before(async () => {
    web = await startWeb();
    web.answers.set('/disk', (_, response) => response.end(bytes));
    world = await startWorld([image], { settings: { allowed_ports: [String(web.port)] } });
    images = imagesIn(world);
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  });

  const input = (more: object = {}) => ({
    import_from: `${web.origin}/disk`,
    import_from_format: 'raw',
    image_properties: { name: 'made', disk_format: 'raw', container_format: 'bare', os_distro: 'd', ...more },
  });
  const create = (body: unknown, as = admin) => images.request('POST', '/v2/tasks', { as, body });
  const show = async (id: string, as = admin) => images.request('GET', `/v2/tasks/${id}`, { as });
  async function over(id: string) {
    for (let tries = 0; tries < 2000; tries++) {
      const { body } = await show(id);
      if (body.status === 'success' || body.status === 'failure') return body;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return assert.fail('the task was never over');
  }

  it('import an image from the web in the old way, for administrators', async () => {
    const made = await create({ type: 'import', input: input() });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    assert.equal(made.headers.get('location'), `${world.urls['image']}/v2/tasks/${made.body.id}`);
    assert.deepEqual(made.body.input, input());
    assert.equal(made.body.status, 'pending');
    const task = await over(made.body.id);
    assert.equal(task.status, 'success', task.message);
    assert.match(task.expires_at, /^\d{4}-.*Z$/);
    const found = await images.request('GET', `/v2/images/${task.result.image_id}`, { as: admin });
    assert.deepEqual(
      [found.body.status, found.body.name, found.body.os_distro, found.body.owner],
      ['active', 'made', 'd', admin.projectId],
    );
    assert.deepEqual((await images.download(admin, task.result.image_id)).bytes, bytes);
  });

  it('say what went wrong, and are refused what makes no sense', async () => {
    const made = await create({
      type: 'import',
      input: { ...input(), import_from: `${web.origin}/missing` },
    });
    const task = await over(made.body.id);
    assert.deepEqual([task.status, task.result], ['failure', null]);
    assert.match(task.message, /status 404/);
    for (const body of [
      undefined,
      [],
      {},
      { type: 'import' },
      { type: 'export', input: input() },
      { type: 'api_image_import', input: { image_id: randomUUID() } },
      { type: 'import', input: 'x' },
      { type: 'import', input: { import_from: 'x' } },
      { type: 'import', input: { ...input(), import_from: 'file:///etc/passwd' } },
      { type: 'import', input: { ...input(), import_from: 'http://127.0.0.1:1/' } },
      { type: 'import', input: { ...input(), image_properties: 'x' } },
      { type: 'import', input: input({ disk_format: 'floppy' }) },
      { type: 'import', input: input({ disk_format: undefined }) },
      { type: 'import', input: input({ id: 'not-an-id' }) },
    ])
      assert.equal((await create(body)).status, 400, JSON.stringify(body));
    assert.equal((await create({ type: 'import', input: input({ os_glance_x: '1' }) })).status, 403);
  });

  it('are listed in pages, filtered and in order', async () => {
    for (let n = 0; n < 3; n++) await over((await create({ type: 'import', input: input() })).body.id);
    const list = async (query: string) => images.request('GET', `/v2/tasks${query}`, { as: admin });
    const all = (await list('')).body.tasks;
    assert.ok(all.length >= 3);
    assert.equal('input' in all[0], false);
    const seen: string[] = [];
    for (let path = '/v2/tasks?limit=2&sort_key=id&sort_dir=asc'; path; ) {
      const { body } = await images.request('GET', path, { as: admin });
      seen.push(...body.tasks.map(({ id }: { id: string }) => id));
      path = body.next;
    }
    assert.deepEqual(seen, all.map(({ id }: { id: string }) => id).toSorted());
    const failed = (await list('?status=failure')).body.tasks;
    assert.ok(failed.every(({ status }: { status: string }) => status === 'failure'));
    for (const query of [
      '?status=lost',
      '?type=export',
      '?limit=-1',
      '?limit=x',
      '?sort_key=shape',
      '?sort_dir=up',
      '?marker=x',
      `?marker=${randomUUID()}`,
    ])
      assert.equal((await list(query)).status, 400, query);
  });

  it('are nobody else’s business, and forgotten by themselves', async () => {
    const { body } = await create({ type: 'import', input: input() });
    assert.equal((await show(body.id, member)).status, 403);
    assert.equal((await create({ type: 'import', input: input() }, member)).status, 403);
    assert.equal((await images.request('GET', '/v2/tasks', { as: member })).status, 403);
    assert.equal((await images.request('GET', '/v2/tasks')).status, 401);
    assert.equal((await show(randomUUID())).status, 404);
    assert.equal((await show('x'.repeat(100))).status, 404);
    const removed = await images.request('DELETE', `/v2/tasks/${body.id}`, { as: admin });
    assert.equal(removed.status, 405);
    const { id } = await images.create(member);
    assert.deepEqual((await images.request('GET', `/v2/images/${id}/tasks`, { as: member })).body, {
      tasks: [],
    });
    assert.equal((await images.request('GET', `/v2/images/${id}/tasks`, { as: stranger })).status, 404);
  });

  it('are described', async () => {
    for (const name of ['task', 'tasks'])
      assert.equal((await images.request('GET', `/v2/schemas/${name}`, { as: member })).body.name, name);
  });
});
