import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { BadRequest } from '../../../../platform/errors/errors.ts';
import { run } from '../../../../platform/exec/run.ts';
import type { EmptyDisk, GuestSpec, ImageDisk } from '../driver.ts';
import type { GuestFiles } from './files.ts';
import { inspectImage } from './image-safety.ts';

/**
 * Makes the guest's own disks and takes its config drive, where they are not there yet.
 * @throws BadRequest when an image is larger than the disk that it shall be on
 */
export async function makeDisks(spec: GuestSpec, files: GuestFiles): Promise<void> {
  for (const disk of spec.disks) if (disk.kind !== 'block') await makeDisk(disk, files.disk(disk.id));
  if (spec.configDrive !== undefined && !(await exists(files.configDrive))) {
    await copyFile(spec.configDrive, `${files.configDrive}.new`);
    await rename(`${files.configDrive}.new`, files.configDrive);
  }
}

/** Makes one disk, where it is not there yet. @throws BadRequest as `makeDisks` */
export async function makeDisk(disk: ImageDisk | EmptyDisk, path: string): Promise<void> {
  if (await exists(path)) return;
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const bytes = disk.sizeGib * 2 ** 30;
  if (disk.kind === 'empty') await run(['qemu-img', 'create', '-q', '-f', 'qcow2', fresh, String(bytes)]);
  else {
    const { virtualSize } = await inspectImage(disk.base.path, disk.base.format);
    if (bytes !== 0 && bytes < virtualSize)
      throw new BadRequest(
        "Flavor's disk is too small for requested image. " +
          `Flavor disk is ${bytes} bytes, image is ${virtualSize} bytes.`,
        { code: 'FlavorDiskSmallerThanImage' },
      );
    // -u: the backing file was inspected just now, and is named with its format; QEMU need not open it again.
    await run([
      'qemu-img',
      'create',
      '-q',
      '-f',
      'qcow2',
      '-u',
      '-b',
      disk.base.path,
      '-F',
      disk.base.format,
      fresh,
      String(bytes || virtualSize),
    ]);
  }
  await rename(fresh, path);
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );
