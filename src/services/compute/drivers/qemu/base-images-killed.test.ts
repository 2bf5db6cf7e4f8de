import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../../../../platform/exec/run.ts';
import { untilGone } from '../../../../platform/exec/testing/until-gone.ts';
import { BaseImages } from './base-images.ts';

const skip = await run(['qemu-img', '--version']).then(
  () => false,
  () => 'needs qemu-img',
);

describe('a host that is killed while it makes a base image', { skip }, () => {
  let folder: string;
  let content: Buffer;
  let value: string;
  const image = () => join(folder, 'image.qcow2');
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cumulet-base-killed-'));
    content = Buffer.alloc(2 ** 20);
    content.fill('content', 0, 700_000);
    await writeFile(join(folder, 'content'), content);
    await run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', join(folder, 'content'), image()]);
    value = createHash('sha512')
      .update(await readFile(image()))
      .digest('hex');
    // Converts the half of it, says so, and goes on for ever.
    const { stdout } = await run(['sh', '-c', 'command -v qemu-img']);
    await mkdir(join(folder, 'bin'));
    const slow = join(folder, 'bin', 'qemu-img');
    await writeFile(
      slow,
      `#!/bin/sh
[ "$1" = convert ] || exec ${stdout.trim()} "$@"
for target; do :; done
echo $$ > ${folder}/pid
head -c 500000 /dev/zero > "$target"
exec sleep 3600
`,
    );
    await chmod(slow, 0o755);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [stop, left] of [
    ['download', '.raw.download'],
    ['convert', '.raw.new'],
  ] as const)
    it(`makes it anew, and keeps nothing of the half: ${stop}`, async () => {
      const cache = join(folder, stop);
      const script = join(import.meta.dirname, '..', 'testing', 'base-process.ts');
      const child = spawn(process.execPath, [script, cache, image(), value, stop], {
        env: { ...process.env, PATH: `${folder}/bin:${process.env['PATH']}` },
        stdio: 'inherit',
      });
      const over = once(child, 'exit');
      const half = join(cache, `killed-${value.slice(0, 32)}-qcow2${left}`);
      for (let found = 0; found === 0; ) {
        assert.equal(child.exitCode, null, 'it ended');
        await new Promise((resolve) => setTimeout(resolve, 20));
        found = await stat(half).then(
          ({ size }) => size,
          () => 0,
        );
      }
      child.kill('SIGKILL');
      await over;
      assert.ok((await readdir(cache)).length > 0);

      if (stop === 'convert') await untilGone(Number(await readFile(join(folder, 'pid'), 'utf8')));
      const next = new BaseImages(cache);
      const pruned = await next.prune({ inUse: new Set(), unusedFor: 0, most: 0 });
      assert.deepEqual([pruned.removed, await readdir(cache)], [0, []]);
      const base = await next.obtain({
        imageId: 'killed',
        format: 'qcow2',
        hash: { algorithm: 'sha512', value },
        open: async () => createReadStream(image()),
      });
      assert.ok((await readFile(base.path)).equals(content));
      assert.equal((await readdir(cache)).length, 1);
    });
});
