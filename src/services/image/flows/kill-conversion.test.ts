import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../platform/exec/run.ts';
import { untilGone } from '../../../platform/exec/testing/until-gone.ts';
import { KilledImages } from '../testing/killed-images.ts';

const skip = await run(['qemu-img', '--version']).then(
  () => false,
  () => 'needs qemu-img',
);

describe('an image service that is killed while qemu-img converts an image', { skip }, () => {
  let folder: string;
  let images: KilledImages;
  const content = randomBytes(4 * 2 ** 20);
  const slow = () => join(folder, 'slow');
  const pid = () => join(folder, 'pid');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-killed-conversion-'));
    const { stdout } = await run(['sh', '-c', 'command -v qemu-img']);
    const program = join(folder, 'qemu-img');
    // The real one; it would take minutes as long as there is the file `slow`.
    await writeFile(
      program,
      `#!/bin/sh
real=${stdout.trim()}
[ "$1" = convert ] && [ -e ${slow()} ] || exec $real "$@"
shift
echo $$ > ${pid()}.new
mv ${pid()}.new ${pid()}
exec $real convert -r 20k "$@"
`,
    );
    await chmod(program, 0o755);
    await writeFile(slow(), '');
    const settings = {
      image_import_plugins: 'image_conversion',
      conversion_output_format: 'qcow2',
      image_cache_dir: '',
    };
    images = await KilledImages.start(settings, 1, folder);
  });
  after(async () => {
    await images?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves no process of it, and converts it again when it has started', async () => {
    const id = await images.create();
    assert.equal(await images.put(id, content, 'stage'), 204);
    await images.import(id, { name: 'glance-direct' });
    let converting = 0;
    for (let tries = 0; converting === 0; tries++) {
      assert.ok(tries < 2000, 'it never began to convert');
      await new Promise((resolve) => setTimeout(resolve, 5));
      converting = Number(await readFile(pid(), 'utf8').catch(() => 0));
    }
    // It is there, and has what it is to do: nothing else ended it.
    assert.match(await readFile(`/proc/${converting}/cmdline`, 'utf8'), /convert/);
    await images.kill();
    await untilGone(converting);
    await rm(slow());
    await images.start();
    assert.equal((await images.over(id)).status, 'success');
    const { status, disk_format, virtual_size } = await images.show(id);
    assert.deepEqual([status, disk_format, virtual_size], ['active', 'qcow2', content.length]);
    assert.deepEqual(await images.files('staging'), []);
    const { bytes } = await images.request('GET', `/images/${id}/file`);
    await writeFile(join(folder, 'back.qcow2'), bytes);
    const [back, raw] = [join(folder, 'back.qcow2'), join(folder, 'back.raw')];
    await run(['qemu-img', 'convert', '-f', 'qcow2', '-O', 'raw', back, raw]);
    assert.ok((await readFile(raw)).equals(content));
  });
});
