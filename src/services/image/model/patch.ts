import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';
import { asDetail } from './detail.ts';
import type { Image } from './image.ts';
import { storedProperty } from './property.ts';

/** What a change needs to be applied; how it was written is the API's business. */
interface Change {
  op: 'add' | 'replace' | 'remove';
  root: string;
  value?: unknown;
  overwrites: boolean;
}

const attributes = new Set([
  'name',
  'visibility',
  'owner',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'protected',
  'os_hidden',
  'tags',
]);

const invisibleLocations = { add: 'add', replace: 'update', remove: 'remove' } as const;

/**
 * Applies changes to an image in their order; all or none.
 *
 * @throws Conflict where something to be replaced or removed is not there, Forbidden for what an image must keep
 */
export function applyChanges(image: Image, changes: readonly Change[]): Image {
  const changed: Image = {
    ...image,
    row: { ...image.row },
    properties: { ...image.properties },
    tags: [...image.tags],
  };
  for (const change of changes) apply(changed, change);
  return changed;
}

function apply(image: Image, { op, root, value, overwrites }: Change): void {
  if (root === 'locations') {
    // Upstream's answer unless it is told to show where images are.
    throw new Forbidden(
      `It's not allowed to ${invisibleLocations[op]} locations if locations are invisible.`,
    );
  }
  const isAttribute = attributes.has(root);
  const present = isAttribute || Object.hasOwn(image.properties, root);
  if (op === 'remove') {
    if (isAttribute) throw new Forbidden(`Property ${root} may not be removed.`, asDetail);
    if (!present) throw new Conflict(`Property ${root} does not exist.`, asDetail);
    delete image.properties[root];
    return;
  }
  if (op === 'replace' && !present) throw new Conflict(`Property ${root} does not exist.`, asDetail);
  if (op === 'add' && present && !overwrites)
    throw new Conflict(`Property ${root} already present.`, asDetail);
  if (isAttribute) setAttribute(image, root, value);
  else image.properties[root] = storedProperty(value);
}

function setAttribute(image: Image, name: string, value: unknown): void {
  if (name === 'tags') {
    image.tags = [...new Set(value as string[])];
    return;
  }
  const formats = name === 'disk_format' || name === 'container_format';
  if (formats && image.row.status !== 'queued' && image.row.status !== 'importing')
    throw new Forbidden(`Attribute ${name} can be only replaced for a queued image.`);
  if (value === null && ['visibility', 'protected', 'os_hidden', 'min_disk', 'min_ram'].includes(name))
    throw new BadRequest(`Property ${name} may not be null.`);
  image.row = { ...image.row, [name]: value };
}
