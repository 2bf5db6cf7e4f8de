import { BadRequest, PayloadTooLarge } from '../../../platform/errors/errors.ts';
import type { ImageSettings } from '../settings.ts';
import type { Image } from './image.ts';
import { ownProperties } from './reserved.ts';

/** What a database holds of one property's value. */
const longestValue = 65_535;

const within = (quota: number, count: number): boolean => quota < 0 || count <= quota;

const exceeded = (what: string, count: number, quota: number): PayloadTooLarge =>
  new PayloadTooLarge(
    `The limit has been exceeded on the number of allowed image ${what}. Attempted: ${count}, Maximum: ${quota}`,
  );

/** @throws PayloadTooLarge as glance says it, BadRequest for what is too long */
export function assertLimits(image: Image, settings: ImageSettings): void {
  const properties = Object.entries(ownProperties(image.properties));
  const { image_property_quota: propertyQuota, image_tag_quota: tagQuota } = settings;
  if (!within(propertyQuota, properties.length))
    throw exceeded('properties', properties.length, propertyQuota);
  if (!within(tagQuota, image.tags.length)) throw exceeded('tags', image.tags.length, tagQuota);
  for (const [name, value] of properties) {
    if (name === '' || name.length > 255)
      throw new BadRequest('Custom property should not be greater than 255 characters.');
    if (Buffer.byteLength(value) > longestValue)
      throw new BadRequest(`Custom property '${name}' should not be greater than ${longestValue} bytes.`);
  }
  for (const name of ['min_disk', 'min_ram'] as const) {
    const value = image.row[name];
    if (value < 0)
      throw new BadRequest(`Invalid value '${value}' for parameter '${name}': Cannot be a negative value`);
    if (value > 2 ** 31 - 1)
      throw new BadRequest(`Invalid value '${value}' for parameter '${name}': Value is too large`);
  }
}

/** @throws PayloadTooLarge where an image would be shared with too many */
export function assertMemberLimit(
  count: number,
  id: string,
  { image_member_quota: quota }: ImageSettings,
): void {
  if (within(quota, count)) return;
  throw new PayloadTooLarge(
    `Image member limit exceeded for image ${id}: The limit has been exceeded on the number of allowed image members for this image. Attempted: ${count}, Maximum: ${quota}:`,
  );
}
