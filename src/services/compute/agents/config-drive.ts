import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../../../platform/exec/run.ts';
import type { InstanceMetadata } from '../contract.ts';
import { configDriveFiles } from '../model/metadata/config-drive-files.ts';

const options = [
  '-quiet',
  '-V',
  'config-2',
  '-publisher',
  'Cumulet',
  '-ldots',
  '-allow-lowercase',
  '-allow-multidot',
  '-l',
  '-J',
  '-r',
];

/**
 * Writes a server's config drive: an ISO 9660 image with the label config-2 that holds the metadata trees, and the
 * administrator's password, for guests that cannot or may not ask the metadata service.
 * The image appears at `path` whole or not at all, readable by its owner only. Needs `genisoimage`.
 * Source: nova/virt/configdrive.py; the options are upstream's, so that guests see the same names and extensions.
 *
 * @throws CommandFailed when the image cannot be made
 */
export async function configDrive(
  meta: InstanceMetadata,
  { path, dhcpDomain = 'novalocal', vendorData }: { path: string; dhcpDomain?: string; vendorData?: object },
): Promise<void> {
  // Beside the image, so that it can be moved there at once; mkdtemp makes it 0700.
  const work = await mkdtemp(join(dirname(path), '.config-drive-'));
  try {
    const tree = join(work, 'tree');
    const files = configDriveFiles(meta, {
      dhcpDomain,
      randomSeed: randomBytes(512).toString('base64'),
      ...(vendorData ? { vendorData } : {}),
      ...(meta.adminPassword === null ? {} : { adminPassword: meta.adminPassword }),
    });
    for (const [name, content] of files) {
      const file = join(tree, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    const image = join(work, 'image.iso');
    await run(['genisoimage', '-o', image, ...options, tree]);
    await chmod(image, 0o600);
    await rename(image, path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
