import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run } from '../src/platform/exec/run.ts';
import { guestImageForTests } from '../src/services/compute/drivers/testing/guest-image.ts';
import { buildGuestImage, type GuestImage } from './build.ts';
import { cpioArchive } from './cpio.ts';

const image = await guestImageForTests();

test('an architecture without an image is refused by name', async () => {
  await assert.rejects(
    buildGuestImage({ output: '/nonexistent/x', workDir: '/nonexistent', architecture: 'arm64' }),
    /no guest image for arm64/,
  );
});

describe('building the guest image', { skip: 'missing' in image && image.missing }, async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'cumulet-guest-build-'));
  after(() => rm(scratch, { recursive: true, force: true }));

  test('takes no network once the packages are there, gives the same version, and stays small', async (t) => {
    assert.ok('path' in image);
    const packages = join(dirname(image.path), 'packages');
    if (!(await stat(packages).catch(() => undefined)))
      return t.skip('the image given has no packages beside it');
    await cp(packages, join(scratch, 'packages'), { recursive: true });
    const output = join(scratch, 'guest.qcow2');
    const { stdout } = await run(
      [
        'unshare',
        '--net',
        process.execPath,
        join(import.meta.dirname, 'build.ts'),
        '--output',
        output,
        '--work-dir',
        scratch,
      ],
      { deadline: 120_000 },
    );
    const built = JSON.parse(stdout) as GuestImage;
    const again = await buildGuestImage({ output, workDir: scratch });
    assert.deepEqual(again, built);
    assert.ok((await stat(output)).size <= 20_000_000);
  });
});

test('cpio archives are what cpio reads', async (t) => {
  if (
    await run(['cpio', '--version']).then(
      () => false,
      () => true,
    )
  )
    return t.skip('needs cpio');
  const archive = cpioArchive([
    { path: 'bin', mode: 0o040755 },
    { path: 'bin/odd', mode: 0o100755, content: Buffer.from('abcde') },
  ]);
  const { stdout } = await run(['cpio', '-itv', '--quiet'], { input: archive });
  assert.match(stdout, /^drwxr-xr-x .* root .* bin\n-rwxr-xr-x .* 5 .* bin\/odd\n$/);
});

test("the guest's JSON reader gives paths and values, whatever the strings hold", async () => {
  const document = {
    uuid: 'u',
    public_keys: { 'a "quoted", {odd} name': 'ssh-ed25519 AAA x@y\n', b: 'ssh-rsa BBB=\n' },
    keys: [{ name: 'n', data: '[1, {"a": 2}]' }, {}],
    empty: [],
    launch_index: 0,
    nothing: null,
    slash: 'a/b\\c',
  };
  const reader = join(import.meta.dirname, 'root/usr/lib/cumulet/json.awk');
  for (const text of [JSON.stringify(document), JSON.stringify(document, null, 4)]) {
    const { stdout } = await run(['awk', '-f', reader], { input: text });
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      '/uuid\tu',
      '/public_keys/a "quoted", {odd} name\tssh-ed25519 AAA x@y\\n',
      '/public_keys/b\tssh-rsa BBB=\\n',
      '/keys/0/name\tn',
      '/keys/0/data\t[1, {"a": 2}]',
      '/launch_index\t0',
      '/nothing\tnull',
      '/slash\ta/b\\c',
    ]);
  }
  await assert.rejects(run(['awk', '-f', reader], { input: '{"a": ' }), /no value/);
});
